package templates

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

// formFiles are the words of the printed forms and the fonts that they, and
// captions under pictures, are set in. The fonts are ParaType's PT Serif and PT
// Sans, and parts of Noto Serif and Droid Sans Fallback; their licences stand
// beside them, as they demand.
//
//go:embed form fonts
var formFiles embed.FS

// The fonts, by their files' names.
const (
	FontSerif     = "PTF55F.ttf"
	FontSerifBold = "PTF75F.ttf"
	FontSans      = "PTS55F.ttf"

	// The letters of candidates' languages that PT Serif does not have, as far as
	// slips need them.
	FontSlipLatin    = "slip-latin.ttf"
	FontSlipArmenian = "slip-armenian.ttf"
	FontSlipHan      = "slip-han.ttf"
)

// Font returns a font in the TrueType format. Callers do not change the bytes.
func Font(file string) ([]byte, error) {
	b, err := formFiles.ReadFile("fonts/" + file)
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", file, err)
	}
	return b, nil
}

// Form returns the words of a printed form, one definition for each place on
// it. A line of a definition is a paragraph.
func Form(name string) (*template.Template, error) {
	t, err := template.New(name+".txt").Option("missingkey=error").
		Funcs(template.FuncMap{"count": plural, "words": inWords}).
		ParseFS(formFiles, "form/"+name+".txt")
	if err != nil {
		return nil, fmt.Errorf("form %s: %w", name, err)
	}
	return t, nil
}

var (
	units = strings.Fields("ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать " +
		"тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать")
	tens     = strings.Fields("_ _ двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто")
	hundreds = strings.Fields("_ сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот")
)

// inWords writes n, 0 to 999 999, in masculine words: 21 is «двадцать один». A
// number outside stays in digits.
func inWords(n int) string {
	if n < 0 || n > 999_999 {
		return strconv.Itoa(n)
	}
	if n == 0 {
		return units[0]
	}
	var out []string
	if n >= 1000 {
		thousands := n / 1000
		words := strings.Fields(inWords(thousands))
		// Тысяча is feminine: одна тысяча, двадцать две тысячи.
		switch last := &words[len(words)-1]; *last {
		case "один":
			*last = "одна"
		case "два":
			*last = "две"
		}
		out = append(out, words...)
		out = append(out, plural(thousands, "тысяча", "тысячи", "тысяч"))
		n %= 1000
	}
	if n >= 100 {
		out = append(out, hundreds[n/100])
		n %= 100
	}
	if n >= 20 {
		out = append(out, tens[n/10])
		n %= 10
	}
	if n > 0 {
		out = append(out, units[n])
	}
	return strings.Join(out, " ")
}
