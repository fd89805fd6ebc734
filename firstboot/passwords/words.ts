// SPDX-License-Identifier: GPL-3.0-or-later
// Words of Catalan passwords, since zxcvbn has no Catalan dictionary: the most likely ones first, since a word's
// position is its rank. Without accents, which are also removed from a password.

/** Names of the box, its software and its community, and related words. */
const OURS = `guifi guifinet cloudy clommunity communitybox community comunitat comunidad cbox caixa caja box xarxa xarxes
  node nodes supernode antena antenes mesh wifi wireless internet router encaminador commutador switch servidor server
  raspberry raspberrypi raspbian debian linux ubuntu minix jetway intel tinc serf incus docker proxy federat fibra
  fonts banda ampla xoln comuns procomu eurecat fundacio associacio voluntari voluntaris vei veins veinat`;

/** The most obvious ones. */
const FIRST = `contrasenya contrasenyes contrassenya contrasenya1 secret secreta secrets clau claus clausecreta paraula
  paraules paraulaclau entrada acces obert oberta obrete sesam usuari usuaria admin administrador root prova proves
  provant canviam canviala temporal hola adeu holahola bondia bonatarda bonanit benvingut benvinguda benvinguts
  benvingudes gracies merci siusplau sisplau testimo etestimo testimomolt amor amors amormeu cor cors carinyo estimat
  estimada vida meva meu teva teu nostra nostre familia mare pare mama papa avi avia iaia iaio germa germana fill filla
  fills tiet tieta cosi cosina nen nena nens nines nina bebe amic amiga amics amigues princesa reina rei bruixa bruixes
  bruixot angel dimoni dimonis drac dracs fada fades tresor alegria felic feliciat sort bonasort guapa guapo maco maca
  xulo petit petita gran vell vella nou nova bo bona dolent merda merdeta collons cony hostia ostia ostres carall fotre
  putamadre cabro cabrons idiota tonto ximple burro`;

/** Seasons, months, days. */
const TIME = `estiu hivern tardor primavera gener febrer marc abril maig juny juliol agost setembre octubre novembre
  desembre dilluns dimarts dimecres dijous divendres dissabte diumenge avui dema ahir any anys mes mesos setmana dia dies
  nit nits mati tarda vespre hora hores vacances nadal nadals reis cagatio tio santjordi santjoan carnaval carnestoltes
  setmanasanta pasqua mona castanyada diada merce aplec festa festes festamajor correfoc`;

/** Football and other games. */
const SPORT = `barca barsa viscabarca viscaelbarca forcabarca fcbarcelona fcb campnou culer culers blaugrana mesqueunclub
  messi leomessi messi10 xavi iniesta puyol pique busquets guardiola cruyff cruiff koeman ronaldinho ronaldo neymar suarez
  pedri gavi lamine yamal laminey lewandowski raphinha araujo fermin balde alexia putellas bonmati aitana maradona etoo
  rivaldo romario stoitchkov kubala laudrup laporta espanyol perico periquito girona girones nastic reus sabadell lleida
  madrid realmadrid atletic valencia villareal llevant futbol gol gols pilota porter equip campions lliga copa champions
  basquet handbol hoquei rugbi tennis padel natacio ciclisme bici bicicleta moto motos marquez marcmarquez catalunyamoto
  rossi cotxe cotxes seat formula1 alonso esqui excursio excursionisme castellers castell castells pinya enxaneta minyons
  colla joc jocs escacs parxis botifarra domino`;

/** Given names and short forms. */
const NAMES = `maria marta montserrat montse nuria laura anna carme merce merces marc jordi joan josep pep jaume pau pol
  xavier xavi david daniel sergi albert alba carla cristina silvia monica sandra elena helena laia mireia gemma judit
  julia paula aina clara berta marina mariona queralt neus roser rosa rosario dolors lola teresa tere concepcio conxita
  conxa francesca cesca assumpta assumpcio angels angela pilar isabel eulalia laia lali llucia lluc llum lluisa lluis
  antonia antoni toni tonet miquel miqueta rafel rafael ramon manel manuel francesc cesc quim joaquim ferran enric eduard
  edu carles ricard robert oriol uri oscar victor vicenc vicent guillem gerard genis gil martina marti mateu max nil
  bernat biel gabriel eloi eric ernest esteve ester feliu felip ignasi nacho jana ona onada ot quirze roc roger ruben
  salvador santi santiago sara sonia txell meritxell tomas ventura vinyet zoe arnau adria aleix alex alexandre andreu
  blai blanca bruna bru candela catalina cinta consol dani dolca emma erola estela estrella fina fiona foix gala georgina
  gina gisela gloria greta guiomar ingrid irene iris ivet ivan iker ivo iu izan jan jep joana jofre jordina josefina
  kilian leo lia lidia lina lluna lucas magda magdalena magali margarida mar mara maragda marcal mariam matilde maura
  mercedes mohamed muntsa narcis natalia nadia noa noelia nora norma nuri olga oleguer olivia otger patricia pere pepa
  pepet perot pere quima raimon raquel remei rita rosalia rut samuel saida selma sebastia sofia tania tecla tonia txema
  valentina vera vero veronica violant violeta virginia xenia yasmin youssef fatima`;

/** Family names. */
const FAMILIES = `garcia martinez lopez sanchez rodriguez fernandez perez gonzalez gomez ruiz martin puig vila serra roca
  ferrer pujol sala soler vidal bosch mas marti sole font costa riera camps pons rovira planas casas valls prat prats
  torrent torres torra grau rius ribas ribes roig blanch blanc negre fuster sabater sastre mestre pages boada bonet
  canals casals casanovas castells codina coll colomer comas cortes crespo cuyas esteve fabregas farre farras fontanals
  forns galceran gasull guasch gil jove llopart llorens llobet mallol marsal masip mir miro molins mora moreno munoz
  navarro oliva oliver olle parera pascual pibernat pla planella pou puigdemont puigdevall junqueras macia companys
  companyo maragall montilla torra aragones quintana rabassa raventos reig rifa riba rosell rosello rubio sabate saura
  segarra segura serrat solsona tarrago tarres teixidor trias tarradellas vall valles ventura verdaguer verges vilaro
  vilanova vives xirinacs`;

/** Places. */
const PLACES = `barcelona catalunya girona lleida tarragona vic vich manresa igualada berga osona bages bergueda anoia
  garraf maresme valles vallesoriental vallesoccidental baixllobregat llobregat penedes altpenedes altemporda baixemporda
  emporda selva garrotxa ripolles cerdanya solsones urgell altUrgell pallars alturgell noguera segria segarra garrigues
  priorat conca barbera montsia terralta ribera ebre delta baixebre baixcamp altcamp tarragones pladelestany moianes
  lluçanes llucanes vilanova geltru sitges sabadell terrassa badalona hospitalet santcugat rubi granollers mollet mataro
  premia calella blanes lloret tossa palamos palafrugell begur cadaques roses figueres olot banyoles besalu ripoll
  puigcerda llivia camprodon nuria vallnuria montserrat montseny pedraforca canigo matagalls pirineus pirineu tortosa
  amposta ampolla reus salou cambrils valls montblanc falset gandesa morella mora vendrell calafell vilafranca martorell
  sants gracia raval poblenou poblesec sarria horta clot eixample barceloneta ramblas rambla tibidabo montjuic sagrada
  sagradafamilia collserola gurb taradell tona centelles manlleu torello roda folgueroles calldetenes santa sant pinos
  cardona solsona seudurgell laseu andorra balaguer tarrega cervera mollerussa valencia alacant castello elx alcoi xativa
  gandia denia mallorca menorca eivissa formentera palma inca manacor ciutadella mao balears illes rossello perpinya
  cotlliure alguer europa espanya franca paisoscatalans independencia llibertat republica catala catalana catalans
  viscacatalunya visca volemvotar votarem freedom estelada senyera segadors elssegadors onze setembre 1714 primeroctubre
  1oct procés proces generalitat mossos tsunami anc omnium cup esquerra junts`;

/** Colours and numbers. */
const COUNTING = `vermell vermella blau blava verd verda groc groga negre negra blanc blanca gris grisa rosa lila morat
  taronja marro daurat platejat zero dos tres quatre cinc sis set vuit nou deu onze dotze tretze catorze quinze setze
  disset divuit dinou vint trenta quaranta cinquanta seixanta setanta vuitanta noranta cent mil milio primer segon tercer`;

/** Animals, food, plants, household, landscape. */
const THINGS = `gat gats gata gatet gos gossos gossa gosset cadell cavall euga ruc ase vaca vaques bou porc porquet gallina
  gall pollastre conill ovella cabra cabres xai llop lleo tigre ratoli rata ocell ocells oreneta gavina colom aguila
  mussol tortuga peix peixos dofi balena tauro sardina cranc cargol cargols formiga aranya abella papallona marieta
  granota serp cuc mosca mosquit senglar guineu isard os elefant mico girafa pinguí pingui pa paambtomaquet tomaquet oli
  sal sucre formatge pernil fuet llonganissa botifarra truita ou ous arros paella fideua fideus sopa escudella canelons
  croquetes patates patata ceba all calcot calcots calcotada bolets rovello rovellons carn peixet xocolata croissant
  croqueta coca panellets torrons torro neula neules crema mel llet cafe cafeamblllet te cervesa vi vermut cava ratafia
  aigua suc poma pomes pera taronges llimona maduixa cirera raim figa meló melo sindria platan avellana ametlla nou
  arbre arbres pi alzina roure faig olivera flor flors roses clavell gerani gira-sol girasol casa cases caseta casanostra
  casameva masia mas can cal pis porta portes finestra cuina taula cadira llit sofa armari balco terrat terrassa jardi
  hort pati garatge carrer placa plaça poble ciutat escola institut universitat biblioteca ajuntament esglesia ermita
  mercat botiga bar restaurant forn farmacia hospital mar mare platja platges muntanya muntanyes bosc camp camps riu rius
  llac font cel terra sol lluna estel estels estrella estrelles neu pluja vent tramuntana mestral garbi llevant ponent
  foc foguera gel pedra roca sorra illa cami camins ruta viatge vaixell barca avio tren trens metro bus autobus camio
  llibre llibres musica canço canco cancons guitarra piano sardana sardanes gralla tambor teatre cinema pelicula foto
  fotos tele televisio radio telefon mobil ordinador ordinadors portatil tablet teclat pantalla ratolins feina treball
  oficina empresa diners euros banc pau guerra futur esperanca veritat mentida llum foscor ombra somni somnis nit mag
  pirata caganer patufet tintin doraemon songoku bola drac boladedrac pokemon supermana batman starwars harrypotter
  sauron gandalf frodo matrix zelda mario minecraft fortnite netflix spotify google facebook instagram whatsapp telegram
  twitter youtube windows apple iphone samsung xiaomi android`;

export const WORDS: readonly string[] = [
  ...new Set(
    [FIRST, SPORT, TIME, OURS, NAMES, PLACES, FAMILIES, COUNTING, THINGS]
      .join(" ")
      .normalize("NFD")
      .replace(/\p{M}/gu, "")
      .toLowerCase()
      .split(/\s+/),
  ),
];
