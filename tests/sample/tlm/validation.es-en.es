El camino pasa por un bosque.
Quisiera una taza de té.
El bebé durmió toda la noche.
Su casa tiene una puerta verde.
El tren a la costa sale a las seis.
No olvides regar las flores.
