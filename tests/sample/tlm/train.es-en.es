El autobús para delante del ayuntamiento.
Perdí mi paraguas en el tren.
El puente es más antiguo que la iglesia.
Nuestros vecinos tienen cinco gatos.
El examen empieza a las ocho y media.
Ella me enseñó a nadar.
Hay una carta para ti en la mesa.
La tienda vende papel, tinta y sellos.
Nadie resultó herido en el accidente.
Mi hermano quiere ser cocinero.
En enero el lago está helado.
Necesitamos más sillas.
A la sopa le falta un poco de sal.
Trabaja aquí desde hace diez años.
Las entradas del concierto estaban agotadas.
¿Puede usted arreglar este reloj?
El viento ha roto dos ramas.
Por la noche jugamos a las cartas.
La llave está debajo de la piedra.
Llamaron Rosa a su hija.
