package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flowbot/bot/emulator"
	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

// trap stands between a serving process and the two things that it talks to. It
// counts what the process asks of them and can kill it at any of these moments,
// so that a death is placed by what had happened and not by time.
type trap struct {
	mu     sync.Mutex
	seen   int // requests since it was set
	at     int // the request that kills; 0: none
	before bool
	only   func(method string) bool // which requests to the Bot API count; nil: all do, and those to the database
	victim *process
	sprung chan struct{} // closed by the death
}

// set counts anew and lays the trap at a request from now on, before it reaches
// its goal or after; at is 0 for a trap that only counts.
func (tr *trap) set(victim *process, at int, before bool) (sprung <-chan struct{}) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.seen, tr.at, tr.before, tr.only, tr.victim, tr.sprung = 0, at, before, nil, victim, make(chan struct{})
	return tr.sprung
}

// setOn is set for some requests to the Bot API.
func (tr *trap) setOn(only func(method string) bool, victim *process, at int, before bool) (sprung <-chan struct{}) {
	sprung = tr.set(victim, at, before)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.only = only
	return sprung
}

// count is how many requests came since set.
func (tr *trap) count() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.seen
}

// pass lets a request through and reports whether who asked still lives. The
// method is empty for requests to the database.
func (tr *trap) pass(method string, do func() error) bool {
	tr.mu.Lock()
	if tr.only != nil && !tr.only(method) {
		tr.mu.Unlock()
		return do() == nil
	}
	tr.seen++
	fatal, before, victim, sprung := tr.seen == tr.at, tr.before, tr.victim, tr.sprung
	tr.mu.Unlock()
	if fatal && before {
		victim.kill()
		close(sprung)
		return false
	}
	err := do()
	if fatal {
		victim.kill()
		close(sprung)
		return false
	}
	return err == nil
}

// kill kills the process and waits until it is gone.
func (r *process) kill() {
	_ = r.cmd.Process.Signal(syscall.SIGKILL)
	<-r.done
}

// api puts the trap in front of the Bot API. An answer comes in one piece or not
// at all.
func (tr *trap) api(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/getUpdates") { // waits; what follows it counts
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		lives := tr.pass(path.Base(r.URL.Path), func() error {
			next.ServeHTTP(answer, r)
			return nil
		})
		if !lives {
			panic(http.ErrAbortHandler)
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// database puts the trap in front of a database and returns the address of that.
func (tr *trap) database(t *testing.T, address string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	network, goal := "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	if strings.HasPrefix(cfg.Host, "/") {
		network, goal = "unix", filepath.Join(cfg.Host, fmt.Sprintf(".s.PGSQL.%d", cfg.Port))
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { tr.relay(client, network, goal) })
		}
	})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	q := u.Query()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	return u.String()
}

// relay carries one connection until either side closes it.
func (tr *trap) relay(client net.Conn, network, goal string) {
	defer client.Close()
	server, err := (&net.Dialer{}).DialContext(context.Background(), network, goal)
	if err != nil {
		return
	}
	defer server.Close()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if err != nil || !tr.pass("", func() error {
			_, err := server.Write(b[:n])
			return err
		}) {
			break
		}
	}
	_ = server.Close()
	<-over
}

// play is an installation with its people and a process that serves them.
type play struct {
	*place
	telegram *emulator.Server
	trap     *trap
	store    *db.DB // past the trap
	args     []string
	fatal    func(method string) bool // at which requests to the Bot API it may be killed; nil: at all, and at those to the database
	serve    *process
	all      []*process
}

// people of the plays, by the words the scripts call them.
var cast = map[string]struct {
	id   int64
	name string
	role service.Role
}{
	"partner":   {1001, "Белова Анна Сергеевна", service.RolePartnerRep},
	"colleague": {1002, "Громов Павел Ильич", ""}, // comes by a link
	"operator":  {1003, "Орлова Мария Викторовна", service.RoleOperatorRep},
	"center":    {1004, "Крылова Елена Сергеевна", service.RoleCenterStaff},
	"candidate": {1005, "Каримов Алишер Рустамович", service.RoleCandidate},
	"admin":     {1006, "Соколов Игорь Петрович", service.RoleAdmin},
}

// daytime is the zone of all plays: one for all, so that what is compared ends on
// the same day.
var daytime = sync.OnceValues(func() (*time.Location, error) { return sampleZone(time.Now()) })

// newPlay makes an installation with a partner, the operator, one person in
// each, and a cohort with four learners whose papers are complete.
func newPlay(t *testing.T) *play {
	t.Helper()
	p := &play{place: newPrivatePlace(t), trap: &trap{}}
	address := dbtest.URL(t)
	p.store = dbtest.Open(t, address)
	p.telegram = emulator.New(emulator.Options{Token: testToken})
	server := httptest.NewServer(p.trap.api(p.telegram))
	t.Cleanup(func() {
		p.telegram.Close()
		server.Close()
	})
	// Reminders are not the subject: no clock. The others need no pauses.
	p.args = []string{"serve", "--roles", "bot,sender,worker"}
	p.place = p.with(append(serving(server.URL), "DATABASE_URL="+p.trap.database(t, address),
		"SEND_RATE=100000", "SEND_RATE_CHAT=100000")...)
	// At night the bot keeps news back.
	zone, err := daytime()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`INSERT INTO orgs (kind, name, zone) VALUES ('partner', 'Академия «Ступени»', ?0), ('operator', 'Оператор', ?0)`,
		`INSERT INTO people (name, telegram_id) VALUES (?1, 1001), (?2, 1003)`,
		`INSERT INTO memberships (person_id, org_id, role) SELECT p.id, o.id, CASE o.kind WHEN 'partner' THEN 'partner_rep' ELSE 'operator_rep' END
			FROM people p JOIN orgs o ON (o.kind = 'partner') = (p.telegram_id = 1001)`,
		`INSERT INTO cohorts (number, partner_id, program, program_kind, hours, start_on, end_on)
			SELECT '118', id, 'Охрана труда', 'Повышение квалификации', 72, '2026-01-12', '2026-02-27' FROM orgs WHERE kind = 'partner'`,
		`INSERT INTO learners (cohort_id, number, last_name, first_name, finished, document_type, document_number, registration_number, document_on)
			SELECT c.id, '118-' || i, 'Слушатель' || i, 'Иван', true, 1, '771900440' || i, 'РЕГ-4402' || i, '2026-02-27' FROM cohorts c, generate_series(1, 4) i`,
	} {
		if _, err := p.store.Bun().NewRaw(q, zone.String(), cast["partner"].name, cast["operator"].name).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *play) phone(who string) *emulator.Phone {
	c := cast[who]
	return p.telegram.Phone(c.id, c.name, "ru")
}

// begin starts a serving process.
func (p *play) begin() {
	p.t.Helper()
	p.serve = p.start(p.args...)
	p.all = append(p.all, p.serve)
}

// until waits until something holds that the emulator is not told of.
func (p *play) until(sprung <-chan struct{}, holds func() bool) (died bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-sprung:
			return true
		default:
		}
		if holds() {
			return false
		}
		select {
		case <-tick.C:
		case <-sprung:
			return true
		case <-ctx.Done():
			p.t.Fatalf("nothing settles:\n%s\nthe process printed:\n%s", p.unsettled(), p.serve.err)
		}
	}
}

const unsettled = `
	SELECT 'update ' || update_id || ' ' || attempts || ' ' || error FROM updates WHERE state = 'waiting'
	UNION ALL SELECT 'job ' || kind || ' ' || state || ' ' || attempt FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')
	UNION ALL SELECT 'notice ' || kind || ' ' || state || ' ' || run_at || ' ' || error FROM notices WHERE state IN ('queued', 'sending')`

// unsettled lists what waits or is being worked.
func (p *play) unsettled() string {
	p.t.Helper()
	// In this order: an update is stored before it is confirmed.
	pending := p.telegram.Pending()
	left := p.rows(unsettled)
	if pending > 0 {
		left = append(left, fmt.Sprintf("%d updates have not been taken", pending))
	}
	return strings.Join(left, "\n")
}

// settle waits until nothing is left to do, or the process has died.
func (p *play) settle(sprung <-chan struct{}) (died bool) {
	p.t.Helper()
	return p.until(sprung, func() bool { return p.unsettled() == "" })
}

func (p *play) rows(query string, args ...any) []string {
	p.t.Helper()
	var out []string
	if err := p.store.Bun().NewRaw(query, args...).Scan(p.t.Context(), &out); err != nil {
		p.t.Fatalf("%v: %s", err, query)
	}
	return out
}

// states are the rows that a run leaves, without ids and moments.
var states = []struct{ name, query string }{
	{"acts", `SELECT concat_ws(' | ', a.number, a.status, a.version, a.revision, a.journal_version, r.name, a.due_on, a.comment, g.name)
		FROM acts a LEFT JOIN people r ON r.id = a.reviewer_id JOIN people g ON g.id = a.generated_by ORDER BY a.number`},
	{"act versions", `SELECT concat_ws(' | ', a.number, v.version, v.file_sha IS NOT NULL) FROM act_versions v JOIN acts a ON a.id = v.act_id ORDER BY 1`},
	{"cohorts", `SELECT concat_ws(' | ', number, program, acts, journal_version, revision) FROM cohorts ORDER BY number`},
	{"learners", `SELECT concat_ws(' | ', l.number, l.last_name, a.number, l.revision) FROM learners l LEFT JOIN acts a ON a.id = l.act_id ORDER BY l.number`},
	{"journals", `SELECT concat_ws(' | ', c.number, j.version, u.name, r.name, j.comment, j.sheet_sha IS NOT NULL)
		FROM journals j JOIN cohorts c ON c.id = j.cohort_id JOIN people u ON u.id = j.uploaded_by LEFT JOIN people r ON r.id = j.rejected_by ORDER BY 1`},
	{"journal files", `SELECT concat_ws(' | ', c.number, j.version, f.kind, f.position, f.name, f.file_sha, f.clean_sha, f.pages)
		FROM journal_files f JOIN journals j ON j.id = f.journal_id JOIN cohorts c ON c.id = j.cohort_id ORDER BY 1`},
	{"history", `SELECT concat_ws(' | ', h.subject, coalesce(a.number, c.number, s.name, h.subject_id::text), h.event, h.from_status, h.to_status, h.comment,
		CASE WHEN h.event <> 'print' THEN h.version END, h.journal_version, p.name)
		FROM history h LEFT JOIN people p ON p.id = h.person_id LEFT JOIN acts a ON h.subject = 'act' AND a.id = h.subject_id
		LEFT JOIN cohorts c ON h.subject = 'cohort' AND c.id = h.subject_id
		LEFT JOIN people s ON h.subject = 'person' AND s.id = h.subject_id ORDER BY h.id`},
	{"people", `SELECT concat_ws(' | ', name, telegram_id, unreachable_at IS NULL) FROM people ORDER BY 1`},
	{"memberships", `SELECT concat_ws(' | ', p.name, o.name, m.role, b.name, m.removed_at IS NOT NULL)
		FROM memberships m JOIN people p ON p.id = m.person_id LEFT JOIN orgs o ON o.id = m.org_id LEFT JOIN people b ON b.id = m.added_by ORDER BY 1`},
	{"invitations", `SELECT concat_ws(' | ', i.name, i.role, u.name) FROM invitations i LEFT JOIN people u ON u.id = i.used_by ORDER BY 1`},
	{"exams", `SELECT concat_ws(' | ', e.number, e.protocol_status, e.protocol_version, e.certificate_status, r.name, e.revision)
		FROM exams e LEFT JOIN people r ON r.id = e.reviewer_id ORDER BY e.number`},
	{"protocols", `SELECT concat_ws(' | ', e.number, p.version, p.number, p.dated_on, p.file_name, p.file_sha, p.clean_sha, p.pages)
		FROM protocols p JOIN exams e ON e.id = p.exam_id ORDER BY 1`},
	{"applications", `SELECT concat_ws(' | ', number, registration_number, issued_on, valid_until, handed_on, scan_id IS NOT NULL, revision)
		FROM applications ORDER BY number`},
	{"printings", `SELECT concat_ws(' | ', e.number, cardinality(p.applications), p.parts, p.fault, p.reprint, p.downloads)
		FROM printings p JOIN exams e ON e.id = p.exam_id ORDER BY p.id`},
	{"scans", `SELECT concat_ws(' | ', a.number, s.version, s.file_name, s.file_sha, s.clean_sha, s.blank_series, s.blank_number, s.replaced_at IS NULL)
		FROM scans s JOIN applications a ON a.id = s.application_id ORDER BY 1`},
	{"blanks", `SELECT concat_ws(' | ', b.series, b.number, b.state, a.number) FROM blanks b LEFT JOIN applications a ON a.id = b.application_id ORDER BY 1`},
	{"uploads", `SELECT concat_ws(' | ', purpose, name, state, reason, file_sha, clean_sha, pages) FROM uploads ORDER BY id`},
	{"drafts", `SELECT concat_ws(' | ', p.name, d.kind, d.step) FROM drafts d JOIN people p ON p.id = d.person_id ORDER BY 1`},
	{"draft files", `SELECT concat_ws(' | ', p.name, d.kind, d.name, d.state, d.reason, d.file_sha) FROM draft_files d JOIN people p ON p.id = d.person_id ORDER BY d.id`},
	{"updates not worked", `SELECT concat_ws(' | ', update_id, state, error) FROM updates WHERE state <> 'done' ORDER BY 1`},
	{"jobs not done", `SELECT concat_ws(' | ', kind, state, errors[array_upper(errors, 1)]->>'error') FROM river_job WHERE state <> 'completed' ORDER BY 1`},
	// Of those with a key several become one, by chance: they are looked at as
	// cards. Of the others each is a fact of its own.
	{"notices", `SELECT concat_ws(' | ', p.name, n.kind, n.payload) FROM notices n JOIN people p ON p.id = n.person_id WHERE n.key = '' ORDER BY 1`},
	{"notices that failed", `SELECT concat_ws(' | ', p.name, n.kind, n.error) FROM notices n JOIN people p ON p.id = n.person_id WHERE n.state = 'failed' ORDER BY 1`},
}

// chance is what differs between two runs: times, the tokens of links, numbers
// of messages, rows and printings, and a word about what has just been done, which a second
// try leaves out.
var chance = regexp.MustCompile(`\d\d:\d\d|start=[\w-]+|photo_\d+|"(act|printing|upload)_id": \d+|печать № \d+|Журнал версии \d отправлен на согласование\.\s+`)

// end is the place where a run has ended: its rows, and what people see.
func (p *play) end() string {
	p.t.Helper()
	return p.rest() + p.views()
}

// rest is the rows that a run leaves.
func (p *play) rest() string {
	p.t.Helper()
	var b strings.Builder
	for _, s := range states {
		fmt.Fprintf(&b, "%s\n", s.name)
		for _, row := range p.rows(s.query) {
			fmt.Fprintf(&b, "\t%s\n", chance.ReplaceAllString(row, "…"))
		}
	}
	return b.String()
}

// views is the newest message of everybody.
func (p *play) views() string {
	p.t.Helper()
	var b strings.Builder
	for _, who := range slices.Sorted(maps.Keys(cast)) {
		b.WriteString(p.sees(who))
	}
	return b.String()
}

// sees is the newest message of somebody.
func (p *play) sees(who string) string {
	m := p.phone(who).Last()
	words := chance.ReplaceAllString(m.Text+m.Caption, "")
	return fmt.Sprintf("%s sees\n\t%s\n\t%q\n", who, strings.ReplaceAll(words, "\n", "\n\t"), m.Labels())
}

// checkFiles opens every file that a row names.
func (p *play) checkFiles() {
	p.t.Helper()
	files, err := db.OpenFiles(p.t.Context(), filepath.Join(p.data, "files"), db.S3{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, sha := range p.rows(`SELECT sha256 FROM files ORDER BY 1`) {
		f, err := files.Open(p.t.Context(), sha)
		if err == nil {
			_, err = io.Copy(io.Discard, f)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			p.t.Errorf("a file is lost: %v", err)
		}
	}
}

// printed is all that the processes printed.
func (p *play) printed() string {
	var b strings.Builder
	for _, r := range p.all {
		b.WriteString(r.out.String())
		b.WriteString(r.err.String())
	}
	return b.String()
}

// secrets is what must be in nothing that a process prints: the token, parts of
// names of people, organisations and files, numbers of documents, links. Numbers are
// long enough to come in no fraction of a second.
var secrets = regexp.MustCompile(strings.Join([]string{
	regexp.QuoteMeta(strings.SplitN(testToken, ":", 2)[1]), "Белова", "Громов", "Орлова", "Слушатель", "Ступени", "Охрана",
	"журнал", "новый", "лист", "снимок", "потоки", `\.(pdf|png|xlsx|csv)`, "771900440", "РЕГ-", "Нет подписи", "Не тот поток", "start=",
	"Крылова", "Каримов", "KARIMOV", "Алишер", "Соколов", "Мост", "Тверь", "FA ?7731", "79001204", "24-10-40538", "0777100000", "316/26", "протокол", "ответ", "скан",
}, "|"))

// checkPrinted looks for secrets in all that the processes printed, in the
// metrics of the one that runs, and in what it keeps for later: jobs and notices
// name things by their ids.
func (p *play) checkPrinted() {
	p.t.Helper()
	_, metrics := get(p.t, p.serve.address()+"/metrics")
	kept := func(query string) string { return strings.Join(p.rows(query), "\n") }
	for what, text := range map[string]string{
		"the log": p.printed(), "the metrics": metrics,
		"a job":     kept(`SELECT concat_ws(' ', args, metadata, errors, tags) FROM river_job`),
		"a notice":  kept(`SELECT concat_ws(' ', kind, payload, key, error) FROM notices`),
		"an update": kept(`SELECT error FROM updates`),
	} {
		for _, at := range secrets.FindAllStringIndex(text, 3) {
			p.t.Errorf("%s tells %q: …%s…", what, text[at[0]:at[1]], text[max(0, at[0]-200):min(len(text), at[1]+100)])
		}
		for _, token := range p.tokens() {
			if strings.Contains(text, token) {
				p.t.Errorf("%s tells the token of a link", what)
			}
		}
	}
}

// tokens are those of the links that people were shown.
func (p *play) tokens() (out []string) {
	for who := range cast {
		for _, m := range p.phone(who).Messages() {
			if link := linkToken.FindStringSubmatch(m.Text + m.Caption); link != nil {
				out = append(out, link[1])
			}
		}
	}
	return out
}

// linkToken finds the token of an invitation's link.
var linkToken = regexp.MustCompile(`start=([\w-]+)`)

// step is one thing that a person does.
type step struct {
	name string
	do   func(p *play) error
}

func press(who, label string) step {
	return step{who + " presses " + label, func(p *play) error { return p.phone(who).Press(label) }}
}

func say(who, text string) step {
	return step{who + " says " + text, func(p *play) error { p.phone(who).Say(text); return nil }}
}

// send sends a file, or several as an album.
func send(who string, names ...string) step {
	return step{who + " sends " + strings.Join(names, ", "), func(p *play) error {
		var files []emulator.Attachment
		for _, name := range names {
			a, err := attachment(name)
			if err != nil {
				return err
			}
			files = append(files, a)
		}
		phone := p.phone(who)
		switch {
		case len(files) > 1:
			phone.SendAlbum(files...)
		case files[0].Photo:
			phone.SendPhoto(files[0].Data, "")
		default:
			phone.SendDocument(files[0].Name, files[0].MIME, files[0].Data, "")
		}
		return nil
	}}
}

// follow opens the link of the newest invitation that somebody was shown.
func follow(who, from string) step {
	return step{who + " follows the link of " + from, func(p *play) error {
		link := linkToken.FindStringSubmatch(p.phone(from).Last().Caption)
		if link == nil {
			return errors.New("no link")
		}
		p.phone(who).Start(link[1])
		return nil
	}}
}

// workbook is made once: its sheets come in any order.
var workbook = sync.OnceValues(func() ([]byte, error) { return sampleWorkbook(service.NewDay(2026, time.March, 2)) })

// attachment makes a file whose content follows from its name. A name without an
// ending is a photo.
func attachment(name string) (emulator.Attachment, error) {
	a := emulator.Attachment{Name: name}
	today := service.NewDay(2026, time.March, 2)
	var err error
	switch filepath.Ext(name) {
	case ".pdf":
		a.Data, err = sampleJournal(&sampleCohort{number: name, org: "ступени", start: -40, end: -7, learners: 2}, today)
	case ".xlsx":
		a.Data, err = workbook()
	case ".csv":
		a.Data = registerAnswer()
	default:
		img := image.NewGray(image.Rect(0, 0, 160, 100))
		for i := range img.Pix {
			img.Pix[i] = byte(len(name)*31 + int(name[len(name)-1])*7)
		}
		var b bytes.Buffer
		err = png.Encode(&b, img)
		a.Data, a.Photo = b.Bytes(), filepath.Ext(name) == ""
	}
	return a, err
}
