import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { otherLanguage } from './frequent-words.ts';

/** What customers write, ten times the same in each language. */
const TEXTS: Readonly<Record<string, string>> = {
  da: `Min bestilling er stadig ikke kommet, selv om den blev sendt i sidste uge.
Jeg vil have pengene tilbage, apparatet virker ikke siden i går.
Hvordan kan jeg ændre min adgangskode?
Fakturaen er blevet trukket to gange, tjek det venligst.
Kundeservice var meget venlig og hjalp mig med det samme.
Desværre har I leveret en forkert vare, størrelsen passer slet ikke.
Kan man opsige abonnementet når som helst?
Meget flot kvalitet, farven er præcis som på billedet.
Pakken kom frem beskadiget, og kassen var åben.
Jeg har ikke fået nogen bekræftelse på e-mail.`,
  de: `Meine Bestellung ist immer noch nicht angekommen, obwohl sie letzte Woche verschickt wurde.
Ich möchte mein Geld zurück, das Gerät funktioniert seit gestern nicht mehr.
Wie kann ich mein Passwort ändern?
Die Rechnung wurde doppelt abgebucht, bitte prüfen Sie das.
Der Kundendienst war freundlich und hat mir sofort geholfen.
Leider wurde ein falscher Artikel geliefert, die Größe passt überhaupt nicht.
Kann man das Abo jederzeit kündigen?
Sehr schöne Qualität, die Farbe ist genau wie auf dem Bild.
Das Paket kam beschädigt an und der Karton war offen.
Ich habe keine Bestätigung per E-Mail erhalten.`,
  es: `Mi pedido todavía no ha llegado aunque fue enviado la semana pasada.
Quiero que me devuelvan el dinero, el aparato no funciona desde ayer.
¿Cómo puedo cambiar mi contraseña?
La factura se ha cobrado dos veces, por favor revísenlo.
El servicio de atención al cliente fue muy amable y me ayudó enseguida.
Por desgracia me enviaron un artículo equivocado, la talla no me queda bien.
¿Se puede cancelar la suscripción en cualquier momento?
Muy buena calidad, el color es exactamente como en la foto.
El paquete llegó dañado y la caja estaba abierta.
No he recibido ninguna confirmación por correo.`,
  fi: `Tilaukseni ei ole vieläkään saapunut, vaikka se lähetettiin viime viikolla.
Haluan rahani takaisin, laite ei ole toiminut eilisen jälkeen.
Miten voin vaihtaa salasanani?
Lasku on veloitettu kaksi kertaa, voitteko tarkistaa sen.
Asiakaspalvelu oli hyvin ystävällinen ja auttoi minua heti.
Valitettavasti toimititte väärän tuotteen, koko ei sovi ollenkaan.
Voiko tilauksen perua milloin tahansa?
Todella hyvä laatu, väri on juuri kuten kuvassa.
Paketti saapui vaurioituneena ja laatikko oli auki.
En ole saanut vahvistusta sähköpostilla.`,
  fr: `Ma commande n'est toujours pas arrivée alors qu'elle a été expédiée la semaine dernière.
Je voudrais être remboursé, l'appareil ne fonctionne plus depuis hier.
Comment puis-je changer mon mot de passe ?
La facture a été prélevée deux fois, merci de vérifier.
Le service client était très aimable et m'a aidé tout de suite.
Malheureusement vous avez livré le mauvais article, la taille ne convient pas du tout.
Peut-on résilier l'abonnement à tout moment ?
Très belle qualité, la couleur est exactement comme sur la photo.
Le colis est arrivé abîmé et le carton était ouvert.
Je n'ai pas reçu de confirmation par courriel.`,
  id: `Pesanan saya masih belum sampai padahal sudah dikirim minggu lalu.
Saya ingin uang saya kembali, alatnya tidak berfungsi sejak kemarin.
Bagaimana cara mengganti kata sandi saya?
Tagihan ditarik dua kali, tolong diperiksa.
Layanan pelanggan sangat ramah dan langsung membantu saya.
Sayangnya barang yang dikirim salah, ukurannya tidak cocok.
Apakah langganan bisa dibatalkan kapan saja?
Kualitas sangat bagus, warnanya persis seperti di foto.
Paket datang dalam keadaan rusak dan kotaknya terbuka.
Saya tidak menerima konfirmasi lewat surel.`,
  it: `Il mio ordine non è ancora arrivato anche se è stato spedito la settimana scorsa.
Vorrei essere rimborsato, l'apparecchio non funziona più da ieri.
Come posso cambiare la mia password?
La fattura è stata addebitata due volte, per favore controllate.
Il servizio clienti è stato molto gentile e mi ha aiutato subito.
Purtroppo è stato consegnato un articolo sbagliato, la taglia non va bene.
Si può disdire l'abbonamento in qualsiasi momento?
Ottima qualità, il colore è esattamente come nella foto.
Il pacco è arrivato danneggiato e la scatola era aperta.
Non ho ricevuto nessuna conferma via e-mail.`,
  nl: `Mijn bestelling is nog steeds niet aangekomen terwijl ze vorige week is verzonden.
Ik wil mijn geld terug, het apparaat werkt sinds gisteren niet meer.
Hoe kan ik mijn wachtwoord veranderen?
De factuur is twee keer afgeschreven, kunt u dat nakijken?
De klantenservice was erg vriendelijk en heeft me meteen geholpen.
Helaas is er een verkeerd artikel geleverd, de maat past helemaal niet.
Kan ik het abonnement op elk moment opzeggen?
Heel mooie kwaliteit, de kleur is precies zoals op de foto.
Het pakket kwam beschadigd aan en de doos was open.
Ik heb geen bevestiging per e-mail gekregen.`,
  no: `Bestillingen min har fortsatt ikke kommet, selv om den ble sendt forrige uke.
Jeg vil ha pengene tilbake, apparatet virker ikke siden i går.
Hvordan kan jeg endre passordet mitt?
Fakturaen er trukket to ganger, vær så snill å sjekke det.
Kundeservice var veldig vennlig og hjalp meg med en gang.
Dessverre har dere levert feil vare, størrelsen passer ikke i det hele tatt.
Kan man si opp abonnementet når som helst?
Veldig fin kvalitet, fargen er akkurat som på bildet.
Pakken kom frem skadet, og esken var åpen.
Jeg har ikke fått noen bekreftelse på e-post.`,
  pl: `Moje zamówienie nadal nie dotarło, chociaż zostało wysłane w zeszłym tygodniu.
Chcę zwrotu pieniędzy, urządzenie nie działa od wczoraj.
Jak mogę zmienić hasło?
Faktura została pobrana dwa razy, proszę to sprawdzić.
Obsługa klienta była bardzo miła i od razu mi pomogła.
Niestety dostarczono niewłaściwy artykuł, rozmiar w ogóle nie pasuje.
Czy można w każdej chwili zrezygnować z abonamentu?
Bardzo dobra jakość, kolor jest dokładnie taki jak na zdjęciu.
Paczka przyszła uszkodzona, a karton był otwarty.
Nie otrzymałem potwierdzenia na e-mail.`,
  pt: `O meu pedido ainda não chegou embora tenha sido enviado na semana passada.
Quero o meu dinheiro de volta, o aparelho não funciona desde ontem.
Como posso mudar a minha senha?
A fatura foi cobrada duas vezes, por favor verifiquem.
O atendimento ao cliente foi muito simpático e me ajudou logo.
Infelizmente enviaram um artigo errado, o tamanho não serve.
É possível cancelar a assinatura a qualquer momento?
Muito boa qualidade, a cor é exatamente como na foto.
A encomenda chegou danificada e a caixa estava aberta.
Não recebi nenhuma confirmação por e-mail.`,
  ro: `Comanda mea încă nu a ajuns, deși a fost expediată săptămâna trecută.
Vreau banii înapoi, aparatul nu mai funcționează de ieri.
Cum îmi pot schimba parola?
Factura a fost încasată de două ori, vă rog să verificați.
Serviciul clienți a fost foarte amabil și m-a ajutat imediat.
Din păcate ați livrat un articol greșit, mărimea nu se potrivește deloc.
Se poate anula abonamentul oricând?
Calitate foarte bună, culoarea este exact ca în poză.
Pachetul a ajuns deteriorat și cutia era deschisă.
Nu am primit nicio confirmare prin e-mail.`,
  sv: `Min beställning har fortfarande inte kommit fram fast den skickades förra veckan.
Jag vill ha pengarna tillbaka, apparaten fungerar inte sedan i går.
Hur kan jag ändra mitt lösenord?
Fakturan har dragits två gånger, var snäll och kontrollera det.
Kundtjänsten var mycket vänlig och hjälpte mig genast.
Tyvärr har ni levererat fel vara, storleken passar inte alls.
Kan man säga upp abonnemanget när som helst?
Mycket fin kvalitet, färgen är precis som på bilden.
Paketet kom fram skadat och kartongen var öppen.
Jag har inte fått någon bekräftelse via e-post.`,
};

/** English as it is written in some trades, and what is hardly any. */
const TRADES: Readonly<Record<string, string>> = {
  'medical notes': `Pt is a 67 yo M w/ hx of HTN, DM2, COPD presenting w/ SOB x3 days.
Echocardiogram: LVEF 35-40%, moderate mitral regurgitation, mild LVH.
Started on metoprolol succinate 25 mg PO daily, furosemide 40 mg IV BID.
CBC: WBC 12.4, Hgb 9.8, Plt 210. BMP: Na 132, K 4.9, Cr 1.8.
Impression: acute exacerbation of congestive heart failure with bilateral pleural effusions.
s/p laparoscopic cholecystectomy, tolerated procedure well, no complications.
CT abdomen: hepatosplenomegaly, diverticulosis without diverticulitis.
Plan: d/c home on apixaban 5mg BID, f/u with cardiology in 2 wks.
Denies nausea, vomiting, hematochezia, melena. NKDA.
Bilateral crackles, 2+ pitting edema, JVD present.`,
  code: `for (let i = 0; i < rows.length; i++) { total += rows[i].value; }
def fit(self, X, y=None, sample_weight=None): return self._fit(X, y)
SELECT id, name FROM users WHERE deleted_at IS NULL ORDER BY created_at DESC;
const parseConfig = (path) => JSON.parse(fs.readFileSync(path, 'utf8'));
if err != nil { return nil, fmt.Errorf("open %s: %w", path, err) }
public static void main(String[] args) throws IOException {
#include <stdio.h> int main(void) { printf("hello\\n"); return 0; }
git commit -m "fix: null pointer in getUserById"
import numpy as np; x = np.linspace(0, 1, 100)
<div class="container"><a href="/login">Log in</a></div>`,
  tweets: `omg this update is sooo bad lol fix ur app @support #fail
gm everyone ☀️ who's up rn??
ngl the new album slaps fr fr 🔥🔥
RT @newsbot: BREAKING: markets down 3% after fed mtg
cant believe they cancelled it smh 😭 #savetheshow
tfw ur wifi dies mid raid
lmaooo bruh what even is this timeline
happy bday bestie!! ily 💕 @jess_92
idk man seems kinda sus imo
just dropped a new vid, link in bio pls like n sub 🙏`,
  'names of products': `Samsung Galaxy S21 Ultra 5G 128GB Phantom Black Unlocked
Bosch Professional GSR 12V-15 Cordless Drill Driver Kit
Logitech MX Master 3S Wireless Mouse Graphite
L'Oréal Paris Revitalift Hyaluronic Serum 30ml
Nike Air Zoom Pegasus 38 Mens Running Shoes UK 9
Philips Hue White Ambiance E27 Starter Kit Bluetooth
De'Longhi Magnifica S ECAM22.110.B Espresso Machine
IKEA KALLAX Shelving Unit 77x147 cm White
Anker PowerCore 20000mAh USB-C Power Bank
Le Creuset Signature Cast Iron Casserole 24cm Cerise`,
  law: `Notwithstanding anything to the contrary herein, the indemnifying party shall hold harmless the indemnitee.
The plaintiff moves for summary judgment pursuant to Rule 56.
Licensee shall not sublicense, assign or encumber the Licensed Materials.
This Agreement shall be governed by the laws of the State of Delaware.
The arbitration tribunal shall apply the UNCITRAL rules.
Res ipsa loquitur; the defendant owed a duty of care de facto.
The lessor hereby demises unto the lessee the premises.
Force majeure events shall suspend the obligations of the affected party.
Habeas corpus relief was denied sua sponte.
The covenant runs with the land in perpetuity.`,
  'names of restaurants': `Café de Flore, Paris
El Pollo Loco, Los Angeles
La Trattoria di Mario, Boston
Der Wienerschnitzel, Anaheim
Le Pain Quotidien, New York
Casa de la Luna, Santa Fe
Pho Saigon, Houston
Taqueria El Farolito, San Francisco
Bistro Chez Antoine, New Orleans
Osteria la Madia, Chicago`,
  chemistry: `2-(4-isobutylphenyl)propanoic acid was recrystallised from ethanol.
Poly(methyl methacrylate) nanoparticles functionalised with polyethylene glycol.
The enantioselective hydrogenation used a rhodium phosphine catalyst.
X-ray crystallography revealed a tetrahedral coordination geometry.
Phosphorylation of MAPK1 by MEK1 in HEK293T cells.
qPCR of CXCL10, IL6 and TNF after LPS stimulation.
Drosophila melanogaster larvae were dissected at 96 h.
Escherichia coli BL21(DE3) expressing GFP.
Kinetic isotope effects suggest a concerted mechanism.
Spectrophotometric quantification at 280 nm.`,
  logs: `2024-01-03 12:11:09 ERROR kube-proxy: failed to sync iptables rules
systemd[1]: Started nginx.service - A high performance web server.
sshd[2211]: Failed password for root from 10.0.0.5 port 52211 ssh2
java.lang.NullPointerException at com.acme.Foo.bar(Foo.java:12)
WARN [HikariPool-1] Connection is not available, request timed out after 30000ms
oom-killer invoked: gfp_mask=0x100cca, order=0
dhclient: DHCPACK of 192.168.1.7 from 192.168.1.1
npm ERR! code ELIFECYCLE errno 1
postgres: autovacuum: found orphan temp table pg_temp_3.tmp
Traceback (most recent call last): KeyError: 'user_id'`,
  'names of species': `Canis lupus familiaris
Quercus robur
Felis catus
Homo sapiens sapiens
Lactobacillus casei subsp. rhamnosus
Rosa canina var. alba
Panthera leo persica`,
  addresses: `Calle de la Rosa 12, Madrid
Rue de la Paix 5, Paris
Via del Corso 18, Roma
Am Markt 3, Bremen
Plaza de los Reyes, Sevilla
12 High Street, Leeds`,
  songs: `Los del Río - Macarena
Die Toten Hosen - An Tagen wie diesen
Edith Piaf - La vie en rose
The Beatles - Let It Be
Luis Fonsi - Despacito
Rammstein - Du hast`,
  headings: `Refund defective device
Reset password
Late delivery
Invoice charged twice
Cancel subscription
Wrong size delivered
Damaged parcel
Color as shown`,
};

describe('texts in Latin script', () => {
  it.each(Object.entries(TEXTS))('in %s are told from English, and a model for them is not warned of', (code, text) => {
    expect(otherLanguage(['en'], text)?.code).toBe(code);
    expect(otherLanguage([code], text)).toBeNull();
    expect(otherLanguage(['en', code], text)).toBeNull();
  });

  it('are told from one another, save for those of Scandinavia', () => {
    const near = ['da', 'no', 'sv'];
    for (const own of Object.keys(TEXTS))
      for (const [code, text] of Object.entries(TEXTS)) {
        const isOne = own === code || (near.includes(own) && near.includes(code));
        expect([own, code, otherLanguage([own], text)?.code]).toEqual([own, code, isOne ? undefined : code]);
      }
  });

  it.each(Object.entries(TRADES))('are not taken for another language: %s', (_, text) => {
    expect(otherLanguage(['en'], text.repeat(8))).toBeNull();
  });

  it.each(['tickets.csv', 'reviews.csv', 'support.jsonl', 'feedback.jsonl', 'commits.jsonl'])(
    'of the example %s are English',
    async (name) => {
      const text = await readFile(new URL(`../../../examples/${name}`, import.meta.url), 'utf8');
      expect(otherLanguage(['en'], text)).toBeNull();
      expect(otherLanguage(['de'], text)?.code).toBe('en');
    },
  );

  it('are not told where a language of the model is not known here, or too little is written', () => {
    expect(otherLanguage(['multilingual'], TEXTS.de!)).toBeNull();
    expect(otherLanguage(['en', 'tr'], TEXTS.de!)).toBeNull();
    expect(otherLanguage([], TEXTS.de!)).toBeNull();
    expect(otherLanguage(['en'], 'Wie kann ich mein Passwort ändern?')).toBeNull();
    expect(otherLanguage(['en-GB'], TEXTS.de!)?.of.code).toBe('en');
    expect(otherLanguage(['nb'], TEXTS.no!)).toBeNull();
    expect(otherLanguage(['no'], TEXTS.da!)).toBeNull();
    // Half of the rows in the model's language are what it is for.
    expect(
      otherLanguage(['en'], `${TEXTS.de!}\n${'The parcel came a day early, and it works as it should.\n'.repeat(12)}`),
    ).toBeNull();
  });
});
