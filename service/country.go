package service

// Country is a country of citizenship.
type Country struct {
	Code  string   // ISO 3166-1 alpha-2; XX: stateless
	Names []string // the one that is shown first
}

// ImportKnown is what imports know beside the database.
type ImportKnown struct {
	Countries []Country
	Profiles  []BlankProfile // built in
}

// importKnown is ImportKnown as it is looked up.
type importKnown struct {
	ImportKnown
	codes map[string]string // of countries, by folded code and names
}

func (k ImportKnown) index() importKnown {
	out := importKnown{k, map[string]string{}}
	for _, c := range k.Countries {
		for _, n := range append([]string{c.Code}, c.Names...) {
			out.codes[fold(n)] = c.Code
		}
	}
	return out
}

// country finds the code of a country by its code or one of its names; an empty
// text is none.
func (k *importKnown) country(text string) (code string, ok bool) {
	if text == "" {
		return "", true
	}
	code, ok = k.codes[fold(text)]
	return code, ok
}
