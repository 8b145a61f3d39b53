// Package templates holds every word the bot says, every printed form and the
// working calendar, as data. It imports nothing of this project.
package templates

import (
	"embed"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"
)

//go:embed text
var texts embed.FS

// Set is the texts of one language. It is safe for concurrent use.
type Set struct {
	html     *template.Template
	labels   *texttemplate.Template
	language string
}

// dated is a civil date that knows its Russian form, such as service.Day.
type dated interface{ Russian() string }

// funcs are what texts can call. Times come in UTC and are shown in the zone
// that the text is given.
var funcs = map[string]any{
	"plural": plural,
	"date":   func(d dated) string { return d.Russian() },
	"clock":  clock,
	"size":   size,
	"add":    func(a, b int) int { return a + b },
	"neg":    func(a int) int { return -a },
	"comma":  comma,
	"join":   strings.Join,
	"pair":   func(a, b any) Pair { return Pair{a, b} },
}

// Pair hands two values to a text within a text.
type Pair struct{ First, Second any }

// Base is the language of everything that only staff read. Other folders hold
// what candidates can see.
const Base = "ru"

// loaded are the sets that were asked for before, by their languages.
var loaded = struct {
	sync.Mutex
	sets map[string]*Set
}{sets: map[string]*Set{}}

// Load returns the texts of lang, such as "uz": those of its own folder, and the
// base language's for what that does not have. It reads them once: who asks again
// gets the same Set. It is safe for concurrent use.
func Load(lang string) (*Set, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if s := loaded.sets[lang]; s != nil {
		return s, nil
	}
	s, err := parse(lang)
	if err != nil {
		return nil, err
	}
	loaded.sets[lang] = s
	return s, nil
}

func parse(lang string) (*Set, error) {
	texted, err := template.New(lang).Option("missingkey=error").Funcs(funcs).ParseFS(texts, "text/"+Base+"/*.html")
	if err != nil {
		return nil, fmt.Errorf("texts %s: %w", Base, err)
	}
	labels, err := texttemplate.New(lang).Option("missingkey=error").Funcs(funcs).ParseFS(texts, "text/"+Base+"/*.txt")
	if err != nil {
		return nil, fmt.Errorf("labels %s: %w", Base, err)
	}
	if lang == Base {
		return &Set{texted, labels, lang}, nil
	}
	if texted, err = texted.ParseFS(texts, "text/"+lang+"/*.html"); err != nil {
		return nil, fmt.Errorf("texts %s: %w", lang, err)
	}
	if labels, err = labels.ParseFS(texts, "text/"+lang+"/*.txt"); err != nil {
		return nil, fmt.Errorf("labels %s: %w", lang, err)
	}
	return &Set{texted, labels, lang}, nil
}

// Language is the one that the set was loaded for.
func (s *Set) Language() string { return s.language }

// Languages lists the languages that have texts, by their names.
func Languages() ([]string, error) {
	dirs, err := fs.ReadDir(texts, "text")
	if err != nil {
		return nil, fmt.Errorf("languages: %w", err)
	}
	var out []string
	for _, d := range dirs {
		out = append(out, d.Name())
	}
	return out, nil
}

// HTML fills the named message. Values are escaped for Telegram's HTML mode.
func (s *Set) HTML(name string, data any) (string, error) {
	var b strings.Builder
	if err := s.html.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("text %s: %w", name, err)
	}
	return b.String(), nil
}

// Label returns the plain words of a button.
func (s *Set) Label(name string, data any) (string, error) {
	var b strings.Builder
	if err := s.labels.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("label %s: %w", name, err)
	}
	return b.String(), nil
}

// Has reports whether a message of that name exists.
func (s *Set) Has(name string) bool { return s.html.Lookup(name) != nil }

// Names lists the names of all messages and labels, sorted, labels with "label "
// before them.
func (s *Set) Names() []string {
	var out []string
	for _, t := range s.html.Templates() {
		out = append(out, t.Name())
	}
	for _, t := range s.labels.Templates() {
		out = append(out, "label "+t.Name())
	}
	slices.Sort(out)
	return out
}

var markup = regexp.MustCompile(`<[^>]*>`)

// Plain turns a text in Telegram's HTML into the letters that people see.
func Plain(text string) string { return html.UnescapeString(markup.ReplaceAllString(text, "")) }

// plural picks the Russian form for a count: 1 акт, 2 акта, 5 актов.
// Source: Unicode CLDR plural rules, ru.
func plural(n int, one, few, many string) string {
	if n < 0 {
		n = -n
	}
	switch {
	case n%10 == 1 && n%100 != 11:
		return one
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return few
	}
	return many
}

// clock shows a moment in a zone as ДД.ММ.ГГГГ ЧЧ:ММ. A zone that this machine
// does not know shows UTC and says so.
func clock(t time.Time, zone string) string {
	const layout = "02.01.2006 15:04"
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return t.UTC().Format(layout) + " UTC"
	}
	return t.In(loc).Format(layout)
}

// comma shows a number with a decimal comma.
func comma(v float64) string {
	return strings.ReplaceAll(strconv.FormatFloat(v, 'f', -1, 64), ".", ",")
}

// size shows bytes as people count them, with a comma before the fraction.
func size(bytes int64) string {
	switch {
	case bytes < 1<<10:
		return fmt.Sprintf("%d Б", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%d КБ", (bytes+1<<9)>>10)
	case bytes >= 1<<30:
		return strings.Replace(fmt.Sprintf("%.1f ГБ", float64(bytes)/(1<<30)), ".", ",", 1)
	}
	return strings.Replace(fmt.Sprintf("%.1f МБ", float64(bytes)/(1<<20)), ".", ",", 1)
}
