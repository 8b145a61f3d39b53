package templates_test

import (
	"regexp"
	"testing"

	"flowbot/templates"
)

func TestCountriesHaveACodeAndTheirNamesOnce(t *testing.T) {
	t.Parallel()
	list, err := templates.Countries("ru")
	if err != nil {
		t.Fatal(err)
	}
	// 193 members of the United Nations, three others and the stateless.
	if len(list) != 197 {
		t.Errorf("%d countries", len(list))
	}
	code := regexp.MustCompile(`^[A-Z]{2}$`)
	seen := map[string]string{}
	for _, c := range list {
		for _, word := range append([]string{c.Code}, c.Names...) {
			if of, ok := seen[word]; ok || word == "" {
				t.Errorf("%q is %s and %s", word, of, c.Code)
			}
			seen[word] = c.Code
		}
		if !code.MatchString(c.Code) || len(c.Names) == 0 {
			t.Errorf("country %+v", c)
		}
	}
	for name, want := range map[string]string{"Узбекистан": "UZ", "Кыргызстан": "KG", "Республика Таджикистан": "TJ", "Без гражданства": "XX", "КНР": "CN"} {
		if seen[name] != want {
			t.Errorf("%s is %q, want %s", name, seen[name], want)
		}
	}
	if _, err := templates.Countries("la"); err == nil {
		t.Error("countries in Latin")
	}
}
