/*
 * privacy_words: words of French texts that some people also bear as a name (privacy_pieces.h). Folded, in byte order: they
 * are searched by halves.
 */
#include "privacy_pieces.h"

/* By themselves they never tell of anybody. */
static const char *const common[] = {
    "a", "ai", "aient", "ainsi", "ait", "aller", "alors", "an", "annee", "ans", "aout", "apres", "as", "au",
    "aura", "auront", "aussi", "autre", "autres", "aux", "avaient", "avait", "avant", "avec", "avez", "avoir",
    "avons", "avr", "avril", "bien", "c", "ca", "car", "ce", "ceci", "cela", "cent", "ces", "cet", "cette",
    "chez", "cinq", "cinquante", "comme", "comment", "d", "dans", "de", "dec", "decembre", "deja", "demain",
    "depuis", "dernier", "des", "deux", "dimanche", "dix", "donc", "dont", "douze", "dr", "du", "elle", "elles",
    "en", "encore", "entre", "es", "est", "et", "etaient", "etait", "ete", "etes", "etre", "eu", "eut", "eux",
    "faire", "fais", "fait", "fev", "fevr", "fevrier", "fin", "fois", "font", "france", "heure", "heures",
    "hier", "hors", "huit", "ici", "il", "ils", "j", "janv", "janvier", "je", "jeudi", "jour", "jours", "juil",
    "juillet", "juin", "l", "la", "le", "les", "leur", "leurs", "lors", "lui", "lundi", "m", "ma", "madame",
    "mademoiselle", "mai", "mais", "mal", "mardi", "mars", "matin", "me", "meme", "mercredi", "mes", "midi",
    "mil", "mille", "mlle", "mme", "moi", "moins", "mois", "mon", "monsieur", "n", "ne", "neuf", "ni", "non",
    "nord", "nos", "notre", "nous", "nov", "novembre", "nuit", "o", "oct", "octobre", "on", "ont", "onze", "or",
    "ou", "ouest", "oui", "par", "pas", "pendant", "peu", "plus", "pour", "premier", "premiere", "puis", "qu",
    "quand", "quarante", "quatorze", "quatre", "que", "qui", "quinze", "quoi", "s", "sa", "samedi", "sans",
    "se", "second", "seconde", "seize", "sept", "septembre", "sera", "seront", "ses", "si", "six", "soi",
    "soir", "soit", "soixante", "sommes", "son", "sont", "sous", "sud", "suis", "sur", "t", "ta", "te", "tel",
    "telle", "temps", "tes", "toi", "ton", "tous", "tout", "toute", "toutes", "treize", "trente", "tres",
    "trois", "trop", "tu", "un", "une", "va", "van", "vendredi", "vers", "vingt", "von", "vont", "vos", "votre",
    "vous", "y",
};

/* They do with a capital alone. */
static const char *const capital[] = {
    "accueil", "action", "aime", "ami", "amie", "amis", "amour", "ange", "atelier", "aurore", "automne", "bas",
    "beau", "bel", "belle", "belles", "berger", "blanc", "blanche", "bleu", "bois", "bon", "bonheur", "bonne",
    "bons", "boulanger", "brun", "champ", "champs", "chevalier", "clair", "claire", "clement", "constance",
    "cours", "das", "del", "den", "der", "desir", "desire", "dieu", "dos", "doux", "eau", "emploi", "enfant",
    "esperance", "espoir", "etoile", "famille", "femme", "fidele", "fille", "fils", "foi", "fort", "fortune",
    "francais", "francaise", "frere", "gloire", "grace", "grand", "grande", "grandes", "grands", "gris", "gros",
    "groupe", "haut", "heureux", "hiver", "homme", "honneur", "jeune", "jeunes", "joie", "juste", "langue",
    "long", "lumiere", "lune", "main", "mains", "maitre", "marchand", "marin", "marine", "mer", "merci", "mere",
    "meunier", "mine", "monde", "mont", "niveau", "noel", "noir", "noire", "paix", "paques", "parfait",
    "patience", "pays", "pere", "petit", "petite", "petites", "petits", "pont", "port", "poste", "prince",
    "princesse", "printemps", "prospere", "providence", "prudence", "roi", "rose", "rouge", "rue", "sage",
    "saint", "sainte", "salle", "service", "soeur", "soleil", "stage", "terre", "val", "vert", "victoire",
    "vie", "vieux", "ville", "voix", "vrai",
};

static bool has(const char *const *words, size_t count, text_view folded)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(text_of(words[middle]), folded);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

privacy_frequency privacy_frequency_of(text_view folded)
{
    if (has(common, sizeof common / sizeof *common, folded))
        return PRIVACY_COMMON;
    return has(capital, sizeof capital / sizeof *capital, folded) ? PRIVACY_BY_CAPITAL : PRIVACY_RARE;
}
