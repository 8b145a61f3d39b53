package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/templates"
)

// root is the project's directory as tests see it.
const root = "../.."

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tableOf returns the rows of the README's table that begins with these titles,
// cell by cell.
func tableOf(t *testing.T, page string, titles ...string) [][]string {
	t.Helper()
	head := "| " + strings.Join(titles, " | ") + " |\n"
	_, rest, found := strings.Cut(page, head)
	if !found {
		t.Fatalf("the README has no table %q", head)
	}
	var rows [][]string
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		if strings.HasPrefix(line, "|---") {
			continue
		}
		var cells []string
		for _, c := range strings.Split(strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00"), "|") {
			cells = append(cells, strings.TrimSpace(strings.ReplaceAll(c, "\x00", "|")))
		}
		rows = append(rows, cells)
	}
	return rows
}

var coded = regexp.MustCompile("`([^`]+)`")

// codes lists what stands between backticks.
func codes(s string) []string {
	var out []string
	for _, m := range coded.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}

func TestTheReadmeHasEverySettingWithItsDefault(t *testing.T) {
	t.Parallel()
	var got []Setting
	for _, row := range tableOf(t, readme(t), "variable", "meaning", "unit", "default") {
		if len(row) != 4 || row[1] == "" {
			t.Errorf("a row without a meaning: %q", row)
			continue
		}
		got = append(got, Setting{Name: strings.Trim(row[0], "`"), Default: strings.Trim(row[3], "`")})
	}
	if diff := cmp.Diff(SettingsTable(), got); diff != "" {
		t.Errorf("the table of settings (-code +README):\n%s", diff)
	}
}

// calls are the commands of the program as people type them, each with its
// arguments and flags.
func calls(t *testing.T) map[string][]string {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Name("flowbot"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, leaf := range parser.Model.Leaves(true) {
		words := []string{}
		for _, a := range leaf.Positional {
			words = append(words, strings.ToUpper(a.Name))
		}
		for _, group := range leaf.AllFlags(true) {
			for _, f := range group {
				if f.Name != "help" {
					words = append(words, "--"+f.Name)
				}
			}
		}
		out[strings.TrimPrefix(leaf.FullPath(), "flowbot ")] = words
	}
	return out
}

func TestTheReadmeHasEveryCommandWithItsFlags(t *testing.T) {
	t.Parallel()
	want := calls(t)
	words := func(s string) []string { return regexp.MustCompile(`[A-Za-z0-9-]+`).FindAllString(s, -1) }
	told := map[string]bool{}
	for _, row := range tableOf(t, readme(t), "command", "does") {
		for _, call := range codes(row[0]) {
			path, flags, known := "", []string(nil), false
			for name, flagsOf := range want {
				if (call == name || strings.HasPrefix(call, name+" ")) && len(name) > len(path) {
					path, flags, known = name, flagsOf, true
				}
			}
			if !known {
				t.Errorf("the README has a command %q that there is not", call)
				continue
			}
			told[path] = true
			// A flag that is refused for now is told in the words beside it.
			for _, f := range flags {
				if !slices.Contains(words(call), f) && !slices.Contains(words(row[1]), f) && f != "SUBJECT" {
					t.Errorf("the README does not tell of %s of %s", f, path)
				}
			}
			for _, w := range words(call) {
				if strings.HasPrefix(w, "--") && !slices.Contains(flags, w) {
					t.Errorf("the README tells of %s, which %s does not have", w, path)
				}
			}
		}
	}
	for name := range want {
		if !told[name] {
			t.Errorf("the README does not tell of %s", name)
		}
	}
}

func TestTheReadmeHasEveryBench(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, b := range benches(&benchCommand{}) {
		want = append(want, "bench "+b.name)
	}
	for _, row := range tableOf(t, readme(t), "command", "measures", "promised", "measured") {
		got = append(got, codes(row[0])...)
		if len(row) != 4 || slices.Contains(row[1:], "") {
			t.Errorf("a row of a bench is not whole: %q", row)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the benches (-code +README):\n%s", diff)
	}
}

// chatMarkup is the markup of texts, which the README leaves out.
var chatMarkup = regexp.MustCompile(`</?(b|i|code|blockquote)>`)

func TestTheReadmeQuotesChatsThatTheBotHas(t *testing.T) {
	t.Parallel()
	quotes := strings.Split(readme(t), "```transcript\n")[1:]
	if len(quotes) < 2 {
		t.Fatalf("the README quotes %d chats", len(quotes))
	}
	for _, quote := range quotes {
		quote, rest, _ := strings.Cut(quote, "```")
		_, rest, _ = strings.Cut(rest, "The whole conversation stands in `")
		name, _, _ := strings.Cut(rest, "`")
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			quoted(t, name, strings.TrimSpace(quote))
		})
	}
}

// quoted compares a quotation with the conversation that it is from.
func quoted(t *testing.T, name, quote string) {
	t.Helper()
	golden, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	chat := strings.Split(chatMarkup.ReplaceAllString(string(golden), ""), "\n")
	pieces := strings.Split(quote, "\n…\n")
	if len(pieces) < 5 {
		t.Fatalf("the README quotes %d pieces", len(pieces))
	}
	for _, piece := range pieces {
		lines := strings.Split(piece, "\n")
		at := 0
		for at+len(lines) <= len(chat) && !slices.Equal(chat[at:at+len(lines)], lines) {
			at++
		}
		if at+len(lines) > len(chat) {
			t.Errorf("the transcript does not have, after what was quoted before:\n%s", piece)
			continue
		}
		chat = chat[at+len(lines):]
	}
}

func TestTheReadmeHasEveryPhoneOfTheDemo(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, p := range samplePeople {
		want = append(want, p.phone)
	}
	var all strings.Builder
	for _, row := range tableOf(t, readme(t), "phone", "who", "has") {
		got = append(got, strings.Split(row[0], ", ")...)
		all.WriteString(strings.Join(row, " ") + "\n")
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the phones (-code +README):\n%s", diff)
	}
	for _, p := range samplePeople {
		if !strings.Contains(all.String(), p.name) {
			t.Errorf("the table does not name %s", p.name)
		}
	}
	for k := range sampleExams {
		if !strings.Contains(all.String(), sampleExams[k].number) {
			t.Errorf("the table does not tell of exam %s", sampleExams[k].number)
		}
	}
}

func TestTheReadmeNamesTheDemosFilesToSend(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, step := range sampleSteps(service.NewDay(2026, time.March, 2)) {
		for _, f := range slices.Concat(step.files, step.quiet) {
			names[f.name] = true
		}
	}
	_, page, _ := strings.Cut(readme(t), "What to press first, as a partner:")
	page, _, _ = strings.Cut(page, "The log of calls")
	for _, code := range codes(page) {
		if strings.Contains(code, ".") && !names[code] {
			t.Errorf("there is no %s to send", code)
		}
	}
}

func TestTheReadmeHasEveryStatusOfAnExam(t *testing.T) {
	t.Parallel()
	texts, err := templates.Load(service.Languages[0])
	if err != nil {
		t.Fatal(err)
	}
	compare := func(table [][]string, code func(n int) string, label string) {
		for n, row := range table {
			words, err := texts.Label(label, code(n))
			if err != nil {
				t.Fatal(err)
			}
			if row[0] != "`"+code(n)+"`" || !strings.HasPrefix(row[1], "«"+words+"»") {
				t.Errorf("%q, want `%s` «%s»", row, code(n), words)
			}
		}
	}
	applications := tableOf(t, readme(t), "application", "in people's words")
	certificates := tableOf(t, readme(t), "certificates", "in people's words, the first that holds")
	if len(applications) != len(service.ApplicationStatuses) || len(certificates) != len(service.CertificateStatuses) {
		t.Fatalf("%d and %d statuses", len(applications), len(certificates))
	}
	compare(applications, func(n int) string { return string(service.ApplicationStatuses[n]) }, "application_status")
	compare(certificates, func(n int) string { return string(service.CertificateStatuses[n]) }, "certificate_status")
}

func TestTheReadmeHasEveryColumnAndWordOfABlankProfile(t *testing.T) {
	t.Parallel()
	tables, err := templates.BlankProfiles()
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(readme(t), "A printing house has a profile:")
	section, _, _ = strings.Cut(section, "\n### ")
	told := codes(section)
	var titles, words []string
	for k := range profiles {
		rows := profiles[k].Table()
		titles = rows[0]
		for _, row := range rows[1:] {
			words = append(words, row[0])
			if row[1] != "" {
				words = append(words, row[1])
			}
		}
	}
	for _, w := range slices.Concat(titles, words) {
		if !slices.Contains(told, w) {
			t.Errorf("the README does not tell of %q", w)
		}
	}
}

func TestTheReadmeHasEveryRoom(t *testing.T) {
	t.Parallel()
	var rooms []string
	for _, row := range tableOf(t, readme(t), "room", "is", "may import", "never") {
		room := strings.Trim(row[0], "`")
		rooms = append(rooms, room)
		if info, err := os.Stat(filepath.Join(root, room)); err != nil || !info.IsDir() {
			t.Errorf("there is no room %s", room)
		}
	}
	for _, in := range []string{".", "service", "bot"} {
		entries, err := os.ReadDir(filepath.Join(root, in))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			room := filepath.Join(in, e.Name())
			source, err := filepath.Glob(filepath.Join(root, room, "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			if e.IsDir() && len(source) > 0 && !slices.Contains(rooms, room) {
				t.Errorf("the README has no room %s", room)
			}
		}
	}
}

// literals are the texts in the program's source, and its templates.
func literals(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "data" || d.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".html"):
			b, err := os.ReadFile(path)
			out.Write(b)
			return err
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil {
					out.WriteString(s + "\n")
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheReadmeQuotesWhatTheProgramSays(t *testing.T) {
	t.Parallel()
	page, said := readme(t), literals(t)
	// The operating system says these.
	others := []string{"LISTEN_ADDR: listen tcp", "address already in use", "permission denied", "attempt", "attempts"}
	rows := tableOf(t, page, "it says", "do")
	if len(rows) < 10 {
		t.Fatalf("%d symptoms", len(rows))
	}
	for _, row := range rows {
		for _, sentence := range codes(row[0]) {
			if !slices.Contains(others, sentence) && !strings.Contains(said, sentence) {
				t.Errorf("the program nowhere says %q", sentence)
			}
		}
	}
	_, chats, _ := strings.Cut(page, "What people may read in chat:")
	chats, _, _ = strings.Cut(chats, "\n")
	for _, m := range regexp.MustCompile(`«([^»]+)»`).FindAllStringSubmatch(chats, -1) {
		if !strings.Contains(said, m[1]) {
			t.Errorf("the bot nowhere says %q", m[1])
		}
	}
}

func TestTheReadmeNamesEveryFuzzTarget(t *testing.T) {
	t.Parallel()
	target := regexp.MustCompile(`Fuzz[A-Z]\w*`)
	var want []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "data"):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		b, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Fuzz[A-Z]\w*)\(`).FindAllSubmatch(b, -1) {
			want = append(want, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := target.FindAllString(readme(t), -1)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the fuzz targets (-code +README):\n%s", diff)
	}
}

func TestTheReadmeShowsThePage(t *testing.T) {
	t.Parallel()
	const most = 300_000
	for _, m := range regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`).FindAllStringSubmatch(readme(t), -1) {
		f, err := os.Open(filepath.Join(root, m[1]))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.DecodeConfig(f)
		if err != nil || picture.Width < 1000 || info.Size() > most {
			t.Errorf("%s: %d pixels wide, %d bytes (%v)", m[1], picture.Width, info.Size(), err)
		}
	}
}

func TestTheReadmeLinksToItsOwnHeadings(t *testing.T) {
	t.Parallel()
	page := readme(t)
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		anchor := regexp.MustCompile(`[^\p{L}\p{N} -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		headings[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(page, -1) {
		if !headings[m[1]] {
			t.Errorf("no heading for #%s", m[1])
		}
	}
}
