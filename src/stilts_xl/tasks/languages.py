"""Languages of the benchmarks, ISO 639-1, in the order of the reference evaluator, and their English names."""

XNLI = tuple("ar bg de el en es fr hi ru sw th tr ur vi zh".split())
XQUAD = tuple("en es de el ru tr ar vi th zh hi".split())
TYDIQA = tuple("en ar bn fi id ko ru sw te".split())

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fi": "Finnish", "fr": "French", "hi": "Hindi", "id": "Indonesian", "ko": "Korean",
    "ru": "Russian", "sw": "Swahili", "te": "Telugu", "th": "Thai", "tr": "Turkish", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
