package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"flowbot/bot/emulator"
)

func TestWrongUseEndsWithTwo(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t)
	for _, args := range [][]string{
		{},
		{"nonsense"},
		{"serve", "--nonsense"},
		{"serve", "--roles", "bot,cook"},
		{"migrate"},
		{"migrate", "sideways"},
		{"org", "add"},
		{"org", "add", "--kind", "school", "--name", "x"},
		{"invite", "--role", "king", "--name", "x"},
		{"invite", "--role", "admin"},
		{"invite", "--role", "candidate", "--name", "x"},
		{"invite", "--role", "admin", "--name", "x", "--application", "7"},
		{"import"},
		{"sheet", "cohorts"},
		{"show", "cohort", "118"},
		{"show", "school", "1", "--json"},
		{"file", "abc"},
		{"backup"},
		{"bench", "nonsense"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := p.run(args...)
			if r.status != 2 {
				t.Errorf("status %d, want 2", r.status)
			}
			oneLineOnly(t, r)
		})
	}
}

// oneLineOnly checks that a command that failed has said so in one line.
func oneLineOnly(t *testing.T, r result) {
	t.Helper()
	if r.out != "" {
		t.Errorf("standard output holds %q", r.out)
	}
	if strings.Count(r.err, "\n") != 1 || !strings.HasPrefix(r.err, "flowbot: ") {
		t.Errorf("standard error is not one line: %q", r.err)
	}
}

func TestRefusalsEndWithOneAndALine(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.must("org", "add", "--kind", "operator", "--name", "Оператор")
	center := p.must("org", "add", "--kind", "center", "--name", "Центр")
	broken := filepath.Join(t.TempDir(), "broken.xlsx")
	if err := os.WriteFile(broken, []byte("PK\x03\x04 and then nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(t.TempDir(), "used")
	if err := os.MkdirAll(filepath.Join(used, "thing"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  []string
		args []string
		want string // in the line
	}{
		{"serve without a token", nil, []string{"serve"}, "TELEGRAM_TOKEN"},
		{"a webhook without an address", []string{"TELEGRAM_TOKEN=" + testToken, "TELEGRAM_MODE=webhook", "WEBHOOK_SECRET=abc"}, []string{"serve"}, "WEBHOOK_URL"},
		{"a webhook without a secret", []string{"TELEGRAM_TOKEN=" + testToken, "TELEGRAM_MODE=webhook", "WEBHOOK_URL=https://example.org/hook"}, []string{"serve"}, "WEBHOOK_SECRET"},
		{"a secret with a space", []string{"TELEGRAM_TOKEN=" + testToken, "TELEGRAM_MODE=webhook", "WEBHOOK_URL=https://example.org/hook", "WEBHOOK_SECRET=a b"}, []string{"serve"}, "WEBHOOK_SECRET"},
		{"an unknown mode", []string{"TELEGRAM_MODE=pigeon"}, []string{"serve"}, "TELEGRAM_MODE"},
		{"a size that is none", []string{"MAX_DOWNLOAD=much"}, []string{"serve"}, "MAX_DOWNLOAD"},
		{"a duration that is none", []string{"DELIVERY_HOLD=soon"}, []string{"serve"}, "DELIVERY_HOLD"},
		{"a rate of nothing", []string{"SEND_RATE=0"}, []string{"serve"}, "SEND_RATE"},
		{"a level that is none", []string{"LOG_LEVEL=loud"}, []string{"serve"}, "LOG_LEVEL"},
		{"no such database", []string{"DATABASE_URL=postgres://nobody:planted-password@127.0.0.1:1/x"}, []string{"show", "cohort", "1", "--json"}, "database"},
		{"a second operator", nil, []string{"org", "add", "--kind", "operator", "--name", "Ещё один"}, "Федеральный оператор уже есть"},
		{"a wrong INN", nil, []string{"org", "add", "--kind", "partner", "--name", "Партнёр", "--inn", "123"}, "ИНН"},
		{"a zone that does not exist", nil, []string{"org", "add", "--kind", "partner", "--name", "Партнёр", "--tz", "Nowhere/Town"}, ""},
		{"an organisation of another kind", nil, []string{"invite", "--role", "partner_rep", "--org", center, "--name", "x"}, ""},
		{"an organisation that is not there", nil, []string{"invite", "--role", "partner_rep", "--org", "12345", "--name", "x"}, ""},
		{"a candidate", nil, []string{"invite", "--role", "candidate", "--application", "7"}, "application"},
		{"a cohort that is not there", nil, []string{"show", "cohort", "118", "--json"}, "no cohort 118"},
		{"an act that is not there", nil, []string{"show", "act", "118/1", "--json"}, "no act 118/1"},
		{"an exam that is not there", nil, []string{"show", "exam", "24-1", "--json"}, "no exam 24-1"},
		{"a file that is not there", nil, []string{"import", "/nowhere/file.xlsx"}, "/nowhere/file.xlsx"},
		{"a directory in the place of a file", nil, []string{"import", t.TempDir()}, "cannot read"},
		{"a broken workbook", nil, []string{"import", broken}, ""},
		{"a workbook of a name that nobody knows", nil, []string{"sheet", "horses", filepath.Join(t.TempDir(), "x.xlsx")}, "cohorts"},
		{"a stored file that is not there", nil, []string{"file", strings.Repeat("ab", 32), filepath.Join(t.TempDir(), "x")}, "no stored file"},
		{"a stored file of no name", nil, []string{"file", "../../etc/passwd", filepath.Join(t.TempDir(), "x")}, "no stored file"},
		{"a backup into a used directory", nil, []string{"backup", used}, ""},
		{"a backup that is none", nil, []string{"restore", t.TempDir()}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := p.with(tt.env...).run(tt.args...)
			if r.status != 1 {
				t.Errorf("status %d, want 1", r.status)
			}
			oneLineOnly(t, r)
			if !strings.Contains(r.err, tt.want) {
				t.Errorf("%q does not say %q", r.err, tt.want)
			}
			for _, secret := range []string{testToken, "planted-password"} {
				if strings.Contains(r.err, secret) {
					t.Errorf("the line tells a secret: %q", r.err)
				}
			}
		})
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t)
	r := p.run("--help")
	if r.status != 0 || r.err != "" || !strings.Contains(r.out, "serve") {
		t.Errorf("status %d, error %q, output %q", r.status, r.err, r.out)
	}
	if strings.Contains(r.out, "child") {
		t.Error("the help shows the program's own child")
	}
}

func TestTheChildEndsWithOneWhenItIsAskedNothing(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"child"}, {"child", "recognise"}, {"child", "cook"}} {
		if r := newPrivatePlace(t).run(args...); r.status == 0 {
			t.Errorf("%v: status 0, output %q", args, r.out)
		}
	}
}

func TestMigrateUpDownStatus(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t)
	applied := func(text string) (yes, no int) {
		return strings.Count(text, "applied\t"), strings.Count(text, "pending\t")
	}
	if yes, no := applied(p.must("migrate", "status")); yes != 0 || no == 0 {
		t.Errorf("a new database has %d steps applied, %d pending", yes, no)
	}
	up := p.must("migrate", "up")
	all, no := applied(up)
	if no != 0 {
		t.Errorf("after up %d steps are pending", no)
	}
	if again := p.must("migrate", "up"); again != up {
		t.Errorf("up changes something twice: %q", again)
	}
	if yes, no := applied(p.must("migrate", "down")); yes != all-1 || no != 1 {
		t.Errorf("after down %d steps are applied, %d pending; there are %d", yes, no, all)
	}
	r := p.with("MIGRATE=off").run("org", "add", "--kind", "partner", "--name", "До миграции")
	if yes, _ := applied(p.must("migrate", "status")); yes != all-1 {
		t.Errorf("MIGRATE=off has applied a step (status %d)", r.status)
	}
	p.must("org", "add", "--kind", "partner", "--name", "Партнёр")
	if _, no := applied(p.must("migrate", "status")); no != 0 {
		t.Errorf("a command has left %d steps pending", no)
	}
}

func TestOrgAddPrintsTheIDAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, args := range [][]string{
		{"org", "add", "--kind", "partner", "--name", "Академия", "--inn", "7701234567", "--tz", "Asia/Omsk"},
		{"org", "add", "--kind", "center", "--name", "Центр"},
	} {
		if r := p.run(args...); r.status != 0 || r.err != "" || !regexp.MustCompile(`^[0-9]+\n$`).MatchString(r.out) {
			t.Errorf("%v: status %d, output %q, error %q", args, r.status, r.out, r.err)
		}
	}
}

func TestInvitePrintsTheLinkAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	org := p.must("org", "add", "--kind", "partner", "--name", "Академия")
	_, api := telegram(t, emulator.Options{BotName: "asked_bot"})
	tests := []struct {
		name string
		env  []string
		args []string
		bot  string
	}{
		{"named by the settings", []string{"BOT_NAME=named_bot", "TELEGRAM_TOKEN=" + testToken, "TELEGRAM_API_URL=" + api}, []string{"--role", "admin", "--name", "Анна"}, "named_bot"},
		{"named as people write it", []string{"BOT_NAME=@named_bot"}, []string{"--role", "admin", "--name", "Дина"}, "named_bot"},
		{"asked of the Bot API", []string{"TELEGRAM_TOKEN=" + testToken, "TELEGRAM_API_URL=" + api}, []string{"--role", "partner_rep", "--org", org, "--name", "Борис"}, "asked_bot"},
		{"nobody to ask", nil, []string{"--role", "admin", "--name", "Вера"}, "bot"},
		{"a Bot API that is away", []string{"TELEGRAM_TOKEN=" + testToken, "TELEGRAM_API_URL=http://127.0.0.1:1"}, []string{"--role", "admin", "--name", "Глеб"}, "bot"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := p.with(tt.env...).run(append([]string{"invite"}, tt.args...)...)
			link := regexp.MustCompile(`^https://t\.me/` + tt.bot + `\?start=[A-Za-z0-9_-]{22,64}\n$`)
			if r.status != 0 || !link.MatchString(r.out) {
				t.Errorf("status %d, output %q, error %q", r.status, r.out, r.err)
			}
		})
	}
}

// fill writes the rows below the headers of an empty import workbook.
func fill(t *testing.T, path string, sheets map[string][]map[string]string) {
	t.Helper()
	book, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for sheet, rows := range sheets {
		have, err := book.GetRows(sheet)
		if err != nil || len(have) == 0 {
			t.Fatalf("sheet %s: %v", sheet, err)
		}
		for n, row := range rows {
			cells := make([]string, len(have[0]))
			found := 0
			for i, title := range have[0] {
				if v, ok := row[strings.TrimSpace(strings.TrimSuffix(title, "*"))]; ok {
					cells[i] = v
					found++
				}
			}
			if found != len(row) {
				t.Fatalf("sheet %s has the columns %q", sheet, have[0])
			}
			cell, err := excelize.CoordinatesToCellName(1, n+2)
			if err != nil {
				t.Fatal(err)
			}
			if err := book.SetSheetRow(sheet, cell, &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := book.Save(); err != nil {
		t.Fatal(err)
	}
}

func TestAWorkbookIsFilledAndImported(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.must("org", "add", "--kind", "partner", "--name", "Академия")
	book := filepath.Join(t.TempDir(), "book.xlsx")
	p.must("sheet", "cohorts", book)
	cohort := map[string]string{
		"Номер потока": "118", "Программа": "Охрана труда", "Образовательный партнёр": "Академия", "Часов": "72",
		"Дата начала": "13.01.2025", "Дата окончания": "14.02.2025",
	}
	learner := map[string]string{
		"Номер потока": "118", "Номер заявки": "А-1", "Фамилия": "Иванова", "Имя": "Анна", "Завершил успешно": "Да",
		"Тип документа": "1", "Номер бланка": "000123", "Регистрационный номер": "118/1", "Дата документа": "17.02.2025",
	}
	fill(t, book, map[string][]map[string]string{"Потоки": {cohort}, "Слушатели": {learner}})

	line := func(text, sheet string) string {
		for l := range strings.Lines(text) {
			if strings.HasPrefix(l, sheet+":") {
				return strings.TrimSpace(l)
			}
		}
		return ""
	}
	report := func(args ...string) []string {
		text := p.must(append([]string{"import", book}, args...)...)
		return []string{line(text, "Потоки"), line(text, "Слушатели")}
	}
	fresh := []string{"Потоки: new 1, changed 0, unchanged 0, bad 0", "Слушатели: new 1, changed 0, unchanged 0, bad 0"}
	same := []string{"Потоки: new 0, changed 0, unchanged 1, bad 0", "Слушатели: new 0, changed 0, unchanged 1, bad 0"}
	if diff := cmp.Diff(fresh, report("--dry-run")); diff != "" {
		t.Errorf("a dry run (-want +got):\n%s", diff)
	}
	if r := p.run("show", "cohort", "118", "--json"); r.status != 1 {
		t.Errorf("a dry run has written: %s", r.out)
	}
	if diff := cmp.Diff(fresh, report()); diff != "" {
		t.Errorf("the first time (-want +got):\n%s", diff)
	}
	before := p.must("show", "cohort", "118", "--json")
	if diff := cmp.Diff(same, report()); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, p.must("show", "cohort", "118", "--json")); diff != "" {
		t.Errorf("the same file has changed something (-want +got):\n%s", diff)
	}

	learner["Номер заявки"], learner["Дата рождения"] = "А-2", "31.02.1990"
	cohort["Программа"] = "Другая программа"
	fill(t, book, map[string][]map[string]string{"Потоки": {cohort}, "Слушатели": {learner}})
	r := p.run("import", book)
	if r.status != 1 || strings.Count(r.err, "\n") != 1 {
		t.Errorf("status %d, error %q", r.status, r.err)
	}
	if !strings.Contains(r.out, "Слушатели, row 2, Дата рождения: ") {
		t.Errorf("the bad row is not named:\n%s", r.out)
	}
	if diff := cmp.Diff(before, p.must("show", "cohort", "118", "--json")); diff != "" {
		t.Errorf("a file with a bad row has changed something (-want +got):\n%s", diff)
	}
}

// sampled is an installation with the demo's sample of a day long past, which
// makes everything in it the same at every run.
func sampled(t *testing.T) *place {
	t.Helper()
	p := newPlace(t)
	i, _ := openSample(t, p)
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

// sampleDay is when the sample of tests was made.
var sampleDay = time.Date(2025, 6, 16, 9, 0, 0, 0, time.UTC)

// openSample makes that sample in a place and returns the installation, which the
// caller closes, and the directory with files to send.
func openSample(t *testing.T, p *place) (*installation, string) {
	t.Helper()
	s := Settings{
		DataDir: p.data, DatabaseURL: strings.TrimPrefix(p.env[len(p.env)-1], "DATABASE_URL="), Migrate: "off",
		MaxDownload: 20 << 20, SendRate: 30, SendRateOfChat: 1,
	}
	i, err := open(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	// The child that reads files is the program itself, not the test.
	i.program = flowbot
	dir := t.TempDir()
	if err := i.makeSample(t.Context(), dir, sampleDay); err != nil {
		t.Fatal(errors.Join(err, i.Close()))
	}
	return i, dir
}

// golden compares with a golden file, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestShowHasTheShapesOfTheContract(t *testing.T) {
	t.Parallel()
	p := sampled(t)
	for name, args := range map[string][]string{
		"show_cohort_ready.golden":    {"cohort", "118"},
		"show_cohort_running.golden":  {"cohort", "120"},
		"show_cohort_approval.golden": {"cohort", "204"},
		"show_act_awaiting.golden":    {"act", "116/1"},
		"show_act_approval.golden":    {"act", "204/1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := p.run("show", args[0], args[1], "--json")
			if r.status != 0 || r.err != "" {
				t.Fatalf("status %d, error %q", r.status, r.err)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, []byte(r.out), "", "  "); err != nil {
				t.Fatal(err)
			}
			// What the libraries' compression makes of a file changes with them.
			text := regexp.MustCompile(`"[0-9a-f]{64}"`).ReplaceAllString(pretty.String(), `"SHA-256"`)
			text = regexp.MustCompile(`"size": [1-9][0-9]*`).ReplaceAllString(text, `"size": 1`)
			golden(t, name, text)
		})
	}
}

func TestAStoredFileIsWrittenOut(t *testing.T) {
	t.Parallel()
	p := sampled(t)
	var act struct {
		SHA256 string `json:"sha256"`
	}
	if err := json.Unmarshal([]byte(p.must("show", "act", "204/1", "--json")), &act); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "act.pdf")
	if printed := p.must("file", act.SHA256, out); printed != "" {
		t.Errorf("it prints %q", printed)
	}
	b, err := os.ReadFile(out)
	if err != nil || !bytes.HasPrefix(b, []byte("%PDF-")) {
		t.Errorf("%v: the file begins with %.10q", err, b)
	}
}

func TestABackupComesBack(t *testing.T) {
	t.Parallel()
	p := sampled(t)
	dir := filepath.Join(t.TempDir(), "backup")
	said := p.must("backup", dir)
	want := p.must("show", "act", "204/1", "--json")

	other := newPrivatePlace(t)
	if got := other.must("restore", dir); got != said {
		t.Errorf("backup says %q, restore %q", said, got)
	}
	if diff := cmp.Diff(want, other.must("show", "act", "204/1", "--json")); diff != "" {
		t.Errorf("the restored act (-want +got):\n%s", diff)
	}
	if r := other.run("restore", dir); r.status != 1 {
		t.Errorf("restoring over people's work has status %d", r.status)
	}
}

func TestSizesAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want Bytes // 0 is a refusal
	}{
		{"20MiB", 20 << 20},
		{"1 GiB", 1 << 30},
		{"512KiB", 512 << 10},
		{"20971520", 20971520},
		{"", 0},
		{"MiB", 0},
		{"-1MiB", 0},
		{"1.5MiB", 0},
		{"20MB", 0},
		{"99999999999GiB", 0},
	}
	for _, tt := range tests {
		var got Bytes
		err := got.UnmarshalText([]byte(tt.text))
		if (err != nil) != (tt.want == 0) || got != tt.want {
			t.Errorf("%q is %d (%v), want %d", tt.text, got, err, tt.want)
		}
	}
}
