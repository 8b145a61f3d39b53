package templates

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed country/*.txt
var countryFiles embed.FS

// Country is a country as people write it.
type Country struct {
	Code  string   // ISO 3166-1 alpha-2; XX: stateless
	Names []string // the one that is shown first
}

// Countries returns the countries of citizenship with their names in a language,
// by name; the stateless come first. The file names its source.
func Countries(lang string) ([]Country, error) {
	b, err := countryFiles.ReadFile("country/" + lang + ".txt")
	if err != nil {
		return nil, fmt.Errorf("read countries: %w", err)
	}
	var out []Country
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		code, names, _ := strings.Cut(line, " ")
		c := Country{Code: code}
		for name := range strings.SplitSeq(names, ";") {
			c.Names = append(c.Names, strings.TrimSpace(name))
		}
		out = append(out, c)
	}
	return out, nil
}
