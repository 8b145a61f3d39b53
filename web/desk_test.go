package web_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
	"flowbot/service/pdf"
	"flowbot/templates"
	"flowbot/web"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// most is the limit of one file at a desk.
const most = 64 << 20

// desk is a center with an exam whose certificates wait for their scans, and our
// own server. Nobody reads the pages.
type desk struct {
	t      *testing.T
	store  *db.DB
	files  service.FileStore
	links  *service.UploadLinks
	anna   service.Actor
	exam   int64
	dir    string // of unfinished files
	log    *safeBuffer
	server *web.Server
	http   *httptest.Server
	addr   string // where it listens, "" before it did
	slow   *sluice
	mu     sync.Mutex
	at     time.Time
}

// safeBuffer is a log.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

// pass lets time go by.
func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func (d *desk) exec(query string, args ...any) {
	d.t.Helper()
	if _, err := d.store.Bun().NewRaw(query, args...).Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// strings are the first column of a query.
func (d *desk) strings(query string, args ...any) []string {
	d.t.Helper()
	var out []string
	if err := d.store.Bun().NewRaw(query, args...).Scan(d.t.Context(), &out); err != nil {
		d.t.Fatal(err)
	}
	return out
}

func (d *desk) number(query string, args ...any) int64 {
	d.t.Helper()
	var out int64
	if err := d.store.Bun().NewRaw(query, args...).Scan(d.t.Context(), &out); err != nil {
		d.t.Fatal(err)
	}
	return out
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, store: dbtest.New(t), dir: t.TempDir(), log: &safeBuffer{}, slow: &sluice{}, at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	center := d.number(`INSERT INTO orgs (kind, name) VALUES ('center', 'Центр тестирования «Мост»') RETURNING id`)
	d.exec(`INSERT INTO centers (org_id, name_instrumental, issue_address, signatory_position, signatory_name, blank_profile)
		VALUES (?, 'Центром', 'г. Тверь', 'Директор', 'И. И. Мостова', 'blank-210')`, center)
	person := d.number(`INSERT INTO people (name, telegram_id) VALUES ('Анна Центрова', 7) RETURNING id`)
	d.exec(`INSERT INTO memberships (person_id, org_id, role) VALUES (?, ?, 'center_staff')`, person, center)
	d.exam = d.number(`INSERT INTO exams (number, center_id, address, held_on)
		VALUES ('24-118', ?, 'г. Тверь', '2026-02-24') RETURNING id`, center)
	d.exec(`INSERT INTO applications (number, exam_id, level, last_name, first_name, last_name_latin, first_name_latin, born_on,
		outcome, violations, registration_number, issued_on, valid_until)
		VALUES ('24-118-01', ?, 'patent', 'Каримов', 'Алишер', 'KARIMOV', 'ALISHER', '1990-01-01',
		'passed', 'none', '26-10-40538-000001-1', '2026-02-25', '2029-02-25')`, d.exam)
	var err error
	if d.anna, err = d.store.ActorByID(t.Context(), person); err != nil {
		t.Fatal(err)
	}
	if d.files, err = db.OpenFiles(t.Context(), t.TempDir(), db.S3{}); err != nil {
		t.Fatal(err)
	}
	tables, err := templates.BlankProfiles()
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		t.Fatal(err)
	}
	printer, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	uploads := service.NewUploads(d.store, nil, nil, d.files, most, say, d.now)
	scans := service.NewScans(service.ScansConfig{
		Store: d.store, Files: d.files, Uploads: uploads, Printer: printer, Profiles: profiles, Now: d.now,
	})
	batches := service.NewScanBatches(service.ScanBatchesConfig{
		Store: d.store, Files: d.files, Scans: scans, Say: say, Program: "test", Now: d.now,
	})
	d.links = service.NewUploadLinks(d.store, batches, rand.Reader, d.now)
	d.open()
	t.Cleanup(func() { d.slow.open(); d.http.Close() })
	return d
}

func say(r service.Reason, _ any) (string, error) { return "слова: " + string(r), nil }

// open starts the server over what lies there.
func (d *desk) open() {
	d.t.Helper()
	var err error
	d.server, err = web.New(web.Config{
		Links: d.links, Files: d.files, Dir: d.dir, Most: most, Say: say, Now: d.now,
		Log: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	mux := http.NewServeMux()
	d.server.Handle(mux)
	d.http = httptest.NewUnstartedServer(d.slow.before(mux))
	if d.addr != "" { // people come back to where they were
		if err := d.http.Listener.Close(); err != nil {
			d.t.Fatal(err)
		}
		if d.http.Listener, err = (&net.ListenConfig{}).Listen(d.t.Context(), "tcp", d.addr); err != nil {
			d.t.Fatal(err)
		}
	}
	d.addr = d.http.Listener.Addr().String()
	d.http.Config.ReadTimeout = 30 * time.Second // as the program's
	d.http.Start()
}

// sluice stands before a server and counts what people send, and holds it up.
type sluice struct {
	mu   sync.Mutex
	sent int           // bytes
	most int           // bytes after which shut holds up
	shut chan struct{} // nil: everything passes
}

// holdAfter lets so many more bytes pass, and the rest once open is called.
func (s *sluice) holdAfter(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most, s.shut = s.sent+bytes, make(chan struct{})
}

func (s *sluice) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut != nil {
		close(s.shut)
		s.shut = nil
	}
}

// count is how many bytes have passed.
func (s *sluice) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

func (s *sluice) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			r.Body = held{r.Body, s}
		}
		next.ServeHTTP(w, r)
	})
}

// held is the body of a request behind a sluice.
type held struct {
	io.ReadCloser
	s *sluice
}

func (h held) Read(p []byte) (int, error) {
	h.s.mu.Lock()
	shut, over := h.s.shut, h.s.sent >= h.s.most
	h.s.mu.Unlock()
	if shut != nil && over {
		<-shut
	}
	n, err := h.ReadCloser.Read(p[:min(len(p), 32<<10)])
	h.s.mu.Lock()
	h.s.sent += n
	h.s.mu.Unlock()
	return n, err
}

// reopen starts another server in the place of one that has died with its
// connections.
func (d *desk) reopen() {
	d.t.Helper()
	d.http.CloseClientConnections()
	d.http.Close()
	d.open()
}

// link gives Anna a link and returns its token.
func (d *desk) link() string {
	d.t.Helper()
	token, _, err := d.links.Give(d.t.Context(), d.anna, d.exam, 1)
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

// answer is what the server says.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request with headers, name and value in turn.
func (d *desk) ask(method, path string, body io.Reader, headers ...string) answer {
	d.t.Helper()
	a, err := d.try(d.t.Context(), method, path, body, headers...)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (d *desk) try(ctx context.Context, method, path string, body io.Reader, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.http.URL+path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(said)}, err
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// begin asks to begin a file.
func (d *desk) begin(token, name string, size int64) answer {
	d.t.Helper()
	return d.ask(http.MethodPost, "/upload/"+token+"/files/", nil,
		"Upload-Length", strconv.FormatInt(size, 10), "Upload-Metadata", "name "+encoded(name)+",mark "+encoded("m "+name))
}

// begun begins a file and returns where it is sent.
func (d *desk) begun(token, name string, size int64) string {
	d.t.Helper()
	a := d.begin(token, name, size)
	if a.status != http.StatusCreated {
		d.t.Fatalf("begin: %d %s", a.status, a.body)
	}
	at := a.header.Get("Location")
	if at == "" || strings.ContainsAny(at, "/:") {
		d.t.Fatalf("the file lies at %q", at)
	}
	return "/upload/" + token + "/files/" + at
}

// more sends a part of a file.
func (d *desk) more(at string, offset int, part []byte) answer {
	d.t.Helper()
	return d.ask(http.MethodPatch, at, bytes.NewReader(part), "Upload-Offset", strconv.Itoa(offset), "Content-Type", "application/offset+octet-stream")
}

// here is how much of a file the server has.
func (d *desk) here(at string) string {
	d.t.Helper()
	a := d.ask(http.MethodHead, at, nil)
	return fmt.Sprintf("%d %s of %s", a.status, a.header.Get("Upload-Offset"), a.header.Get("Upload-Length"))
}

// received are the files of the batches: name and size, and whether the store has
// them.
func (d *desk) received() []string {
	d.t.Helper()
	out := d.strings(`SELECT name || ' ' || size || ' batch ' || dense_rank() OVER (ORDER BY batch_id) FROM scan_files ORDER BY id`)
	for _, sha := range d.strings(`SELECT file_sha FROM scan_files`) {
		if has, err := d.files.Has(d.t.Context(), sha); err != nil || !has {
			d.t.Errorf("the store has no %s: %v", sha, err)
		}
	}
	return out
}

// left are the names in the directory of unfinished files.
func (d *desk) left() int {
	d.t.Helper()
	list, err := os.ReadDir(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	return len(list)
}

// content is a file of so many bytes.
func content(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}
