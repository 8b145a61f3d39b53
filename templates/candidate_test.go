package templates_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"text/template/parse"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/templates"
)

// candidateFiles are the texts that candidates can see. Every language has them.
var candidateFiles = []string{"candidate.html", "errors_candidate.html", "labels_candidate.txt"}

// fallsBack are names that other languages have beside those of the base
// language's candidate files: there they stand among the texts of staff, with
// facts that candidates never get.
var fallsBack = []string{"moved_on"}

// textsIn returns what each definition of a file does with its facts, by name.
func textsIn(t *testing.T, language, file string) map[string]string {
	t.Helper()
	path := filepath.Join("text", language, file)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	funcs := template.FuncMap{}
	for _, name := range []string{"plural", "date", "clock", "size", "add", "neg", "join", "pair"} {
		funcs[name] = func() string { return "" }
	}
	set, err := template.New(file).Funcs(funcs).Parse(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, one := range set.Templates() {
		if one.Name() != file {
			out[one.Name()] = strings.Join(verbs(one.Root), " ")
		}
	}
	return out
}

// verbs lists the actions of a text in their order, without its words.
func verbs(n parse.Node) []string {
	var out []string
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, one := range n.Nodes {
			out = append(out, verbs(one)...)
		}
	case *parse.ActionNode:
		out = append(out, n.Pipe.String())
	case *parse.TemplateNode:
		out = append(out, n.String())
	case *parse.IfNode:
		out = branch("if", &n.BranchNode)
	case *parse.RangeNode:
		out = branch("range", &n.BranchNode)
	case *parse.WithNode:
		out = branch("with", &n.BranchNode)
	}
	return out
}

func branch(kind string, n *parse.BranchNode) []string {
	out := append([]string{kind, n.Pipe.String()}, verbs(n.List)...)
	return append(out, verbs(n.ElseList)...)
}

func TestCandidatesTextsAreTheSameInEveryLanguage(t *testing.T) {
	t.Parallel()
	folders, err := templates.Languages()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(folders)
	if diff := cmp.Diff(slices.Sorted(slices.Values(service.CandidateLanguages)), folders); diff != "" {
		t.Errorf("languages and folders differ:\n%s", diff)
	}
	for _, language := range service.CandidateLanguages {
		for _, file := range candidateFiles {
			t.Run(language+"/"+file, func(t *testing.T) {
				t.Parallel()
				want, got := textsIn(t, templates.Base, file), textsIn(t, language, file)
				for _, name := range fallsBack {
					if file == "errors_candidate.html" && language != templates.Base {
						if _, there := got[name]; !there {
							t.Errorf("no %s", name)
						}
						delete(got, name)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("differs from %s:\n%s", templates.Base, diff)
				}
			})
		}
	}
}

// TestTheWordsOfALanguageAreItsOwn looks for words that were left in Russian, for
// exclamation marks, and for texts that are the same as in Russian.
func TestTheWordsOfALanguageAreItsOwn(t *testing.T) {
	t.Parallel()
	action := regexp.MustCompile(`\{\{[^}]*\}\}`)
	for _, language := range service.CandidateLanguages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			for _, file := range candidateFiles {
				raw, err := os.ReadFile(filepath.Join("text", language, file))
				if err != nil {
					t.Fatal(err)
				}
				base, err := os.ReadFile(filepath.Join("text", templates.Base, file))
				if err != nil {
					t.Fatal(err)
				}
				words := action.ReplaceAllString(string(raw), " ")
				if strings.ContainsAny(words, "!！՜") {
					t.Errorf("%s holds an exclamation mark", file)
				}
				if language == templates.Base {
					continue
				}
				// The names of languages are their own everywhere.
				for _, name := range []string{"Русский", "Тоҷикӣ", "Кыргызча"} {
					words = strings.ReplaceAll(words, name, "")
				}
				if language != "tg" && language != "ky" && strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }) {
					t.Errorf("%s holds Cyrillic letters", file)
				}
				// Letters that Tajik and Kyrgyz do not have in words of their own.
				if strings.ContainsAny(words, "щьцЩЬЦ") && language == "tg" || strings.ContainsAny(words, "щьцъЩЬЦЪ") && language == "ky" {
					t.Errorf("%s holds Russian letters", file)
				}
				for line := range strings.SplitSeq(string(raw), "\n") {
					plain := strings.TrimSpace(action.ReplaceAllString(line, ""))
					if len(strings.Fields(plain)) > 2 && !strings.HasPrefix(plain, "/") && strings.ContainsFunc(plain, unicode.IsLower) && !strings.Contains(line, "candidate_speak") &&
						strings.Contains(string(base), plain) {
						t.Errorf("%s says %q as in Russian", file, plain)
					}
				}
			}
		})
	}
}

// TestEveryTextOfALanguageCanBeSaid fills each text with facts.
func TestEveryTextOfALanguageCanBeSaid(t *testing.T) {
	t.Parallel()
	person := struct{ Name string }{"Иван"}
	views := struct{ List []service.CandidateView }{}
	for i, status := range service.ApplicationStatuses {
		for _, ready := range []bool{true, false} {
			views.List = append(views.List, service.CandidateView{
				Application: service.Application{
					Level: service.Levels[i%len(service.Levels)], LastName: "Иванов", RegistrationNumber: "24-10", ValidUntil: service.NewDay(2029, 1, 1+i%2),
					HandedOn: service.NewDay(2026, 3, 3),
				},
				Exam: "77", HeldOn: service.NewDay(2026, 2, 24), Status: status, Ready: ready,
			})
		}
	}
	for _, language := range service.CandidateLanguages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			set, err := templates.Load(language)
			if err != nil {
				t.Fatal(err)
			}
			if set.Language() != language {
				t.Errorf("language %q", set.Language())
			}
			for _, file := range candidateFiles {
				for name := range textsIn(t, language, file) {
					var data any
					var words string
					switch name {
					case "candidate_home", "candidate_help", "candidate_arrived":
						data = person
					case "candidate_mine":
						data = views
					case "candidate_status":
						data = &views.List[0]
					case "candidate_delivery":
						data = &service.CandidateScan{CandidateView: views.List[0], Corrected: true}
					case "candidate_file":
						data = "77-01"
					case "candidate_level":
						data = service.LevelPatent
					case "moved_on":
						data = service.Moved{}
					case "candidate.slow":
						data = 22
					}
					if strings.HasSuffix(file, ".txt") {
						words, err = set.Label(name, data)
					} else {
						words, err = set.HTML(name, data)
					}
					if err != nil || strings.TrimSpace(words) == "" || strings.Contains(words, "no value") {
						t.Errorf("%s: %q, %v", name, words, err)
					}
					// Source: Telegram Bot API, BotCommand.description (1-256 characters).
					if strings.HasPrefix(name, "command_") && len([]rune(words)) > 256 {
						t.Errorf("%s is %d letters long", name, len([]rune(words)))
					}
				}
			}
			for _, other := range service.CandidateLanguages {
				if label, err := set.Label("candidate_speak", other); err != nil || label == "" {
					t.Errorf("%s: %q, %v", other, label, err)
				}
			}
		})
	}
}
