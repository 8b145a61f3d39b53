package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAFileComesInPiecesAndJoinsTheBatchOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	file := content(300_000)
	at := d.begun(token, "скан.pdf", int64(len(file)))
	if a := d.more(at, 0, file[:100_000]); a.status != http.StatusNoContent {
		t.Fatalf("a piece: %d %s", a.status, a.body)
	}
	if got, want := d.here(at), "200 100000 of 300000"; got != want {
		t.Errorf("after a piece: %s, want %s", got, want)
	}
	if a := d.more(at, 50_000, file[50_000:60_000]); a.status != http.StatusConflict {
		t.Errorf("a piece from another place: %d %s", a.status, a.body)
	}
	if a := d.more(at, 100_000, append(file[100_000:], 0)); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than was told: %d %s", a.status, a.body)
	}
	if got := d.received(); got != nil {
		t.Errorf("received before its end: %v", got)
	}
	if a := d.more(at, 100_000, file[100_000:]); a.status != http.StatusNoContent {
		t.Fatalf("the rest: %d %s", a.status, a.body)
	}
	for range 2 { // somebody who has not heard of it asks again
		if got, want := d.here(at), "200 300000 of 300000"; got != want {
			t.Errorf("at the end: %s, want %s", got, want)
		}
	}
	if a := d.more(at, 100_000, file[100_000:]); a.status != http.StatusNotFound {
		t.Errorf("the rest again: %d %s", a.status, a.body)
	}
	second := d.begun(token, "ещё.jpg", 10)
	if a := d.more(second, 0, file[:10]); a.status != http.StatusNoContent {
		t.Fatalf("the second file: %d %s", a.status, a.body)
	}
	if diff := cmp.Diff([]string{"скан.pdf 300000 batch 1", "ещё.jpg 10 batch 1"}, d.received()); diff != "" {
		t.Error(diff)
	}
	sha := d.strings(`SELECT file_sha FROM scan_files ORDER BY id`)[0]
	r, err := d.files.Open(t.Context(), sha)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, file) {
		t.Errorf("the stored file differs: %v", err)
	}
	if d.left() != 0 {
		t.Errorf("%d names are left", d.left())
	}
	if got := d.number(`SELECT count(*) FROM river_job WHERE kind = 'take_apart'`); got != 2 {
		t.Errorf("%d jobs", got)
	}
}

func TestAPieceThatBreaksIsKeptAndGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	file := content(2_000_000)
	at := d.begun(token, "скан.pdf", int64(len(file)))
	// The server dies while it takes a piece.
	r, w := io.Pipe()
	over := make(chan error, 1)
	go func() {
		_, err := d.try(t.Context(), http.MethodPatch, at, r, "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
		over <- err
	}()
	if _, err := w.Write(file[:700_000]); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.dir, at[strings.LastIndexByte(at, '/')+1:])
	d.until("a part is on the disk", func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() > 600_000
	})
	d.reopen()
	_ = w.CloseWithError(io.ErrUnexpectedEOF) // always nil, see io.PipeWriter
	if err := <-over; err == nil {
		t.Error("the piece that broke was answered")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	here := int(info.Size())
	if got, want := d.here(at), fmt.Sprintf("200 %d of 2000000", here); got != want {
		t.Errorf("after the restart: %s, want %s", got, want)
	}
	if a := d.more(at, here, file[here:]); a.status != http.StatusNoContent {
		t.Fatalf("the rest: %d %s", a.status, a.body)
	}
	if diff := cmp.Diff([]string{"скан.pdf 2000000 batch 1"}, d.received()); diff != "" {
		t.Error(diff)
	}
	r2, err := d.files.Open(t.Context(), d.strings(`SELECT file_sha FROM scan_files`)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r2.Close()
	if got, err := io.ReadAll(r2); err != nil || !bytes.Equal(got, file) {
		t.Errorf("the stored file differs: %v", err)
	}
}

func TestAStopEndsAPieceAndKeepsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.begun(d.link(), "скан.pdf", 2_000_000)
	r, w := io.Pipe()
	over := make(chan answer, 1)
	go func() {
		a, err := d.try(t.Context(), http.MethodPatch, at, r, "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
		if err != nil {
			t.Error(err)
		}
		over <- a
	}()
	if _, err := w.Write(content(700_000)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.dir, at[strings.LastIndexByte(at, '/')+1:])
	d.until("a part is on the disk", func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() > 600_000
	})
	d.server.Stop()
	if a := <-over; a.status != http.StatusServiceUnavailable {
		t.Errorf("the piece: %d %s", a.status, a.body)
	}
	_ = w.Close() // always nil, see io.PipeWriter
	d.reopen()
	if got := d.here(at); got == "200 0 of 2000000" || !strings.HasSuffix(got, " of 2000000") {
		t.Errorf("after the restart: %s", got)
	}
}

// TestWhoLosesTheRightMeanwhileIsToldInWords takes the right away while the last
// piece of a file is on its way.
func TestWhoLosesTheRightMeanwhileIsToldInWords(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := d.begun(d.link(), "скан.pdf", 200_000)
	d.slow.holdAfter(100_000)
	over := make(chan answer, 1)
	go func() {
		a, err := d.try(t.Context(), http.MethodPatch, at, bytes.NewReader(content(200_000)), "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
		if err != nil {
			t.Error(err)
		}
		over <- a
	}()
	d.until("a part is here", func() bool { return d.slow.count() >= 100_000 })
	d.exec(`UPDATE memberships SET removed_at = now()`)
	d.slow.open()
	a := <-over
	if a.status != http.StatusUnprocessableEntity || a.body != "слова: upload_link.invalid" {
		t.Errorf("the last piece: %d %q", a.status, a.body)
	}
	if got := d.received(); len(got) != 0 {
		t.Errorf("received %v", got)
	}
}

// until waits for what another goroutine brings about.
func (d *desk) until(what string, holds func() bool) {
	d.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			d.t.Fatalf("%s: not in %s", what, patience)
		}
	}
}

// TestAFileThatCameWholeIsHandedOverLater has the server die between the last
// byte and the batch: whoever asks, or nobody, it is received once.
func TestAFileThatCameWholeIsHandedOverLater(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]func(d *desk, token, at string){
		"the page asks": func(d *desk, _, at string) {
			if got := d.here(at); got != "200 1000 of 1000" {
				d.t.Errorf("the page is told %s", got)
			}
		},
		"nobody asks": func(d *desk, _, _ string) {
			for range 2 {
				if err := d.server.Sweep(d.t.Context()); err != nil {
					d.t.Error(err)
				}
			}
		},
		"the person has done": func(d *desk, token, _ string) {
			for range 2 {
				if a := d.ask(http.MethodPost, "/upload/"+token+"/done", nil); a.status != http.StatusNoContent {
					d.t.Errorf("done: %d %s", a.status, a.body)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			token := d.link()
			at := d.begun(token, "скан.pdf", 1000)
			path := filepath.Join(d.dir, at[strings.LastIndexByte(at, '/')+1:])
			if err := os.WriteFile(path, content(1000), 0o600); err != nil {
				t.Fatal(err)
			}
			d.reopen()
			later(d, token, at)
			if diff := cmp.Diff([]string{"скан.pdf 1000 batch 1"}, d.received()); diff != "" {
				t.Error(diff)
			}
			if d.left() != 0 {
				t.Errorf("%d names are left", d.left())
			}
		})
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	if a := d.begin(token, "пустой.pdf", 0); a.status != http.StatusBadRequest {
		t.Errorf("an empty file: %d %s", a.status, a.body)
	}
	if a := d.begin(token, "большой.pdf", most+1); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a file over the limit: %d %s", a.status, a.body)
	}
	a := d.ask(http.MethodPost, "/upload/"+token+"/files/", nil, "Upload-Defer-Length", "1")
	if a.status != http.StatusNotImplemented {
		t.Errorf("a file of unknown size: %d %s", a.status, a.body)
	}
	a = d.ask(http.MethodPost, "/upload/"+token+"/files/", nil, "Upload-Length", "10", "Tus-Resumable", "0.1")
	if a.status != http.StatusPreconditionFailed {
		t.Errorf("another protocol: %d %s", a.status, a.body)
	}
	at := d.begun(token, "0.pdf", most-10)
	if a := d.begin(token, "1.pdf", 11); a.status != http.StatusTooManyRequests {
		t.Errorf("more bytes of one link than one file may have: %d %s", a.status, a.body)
	}
	if a := d.ask(http.MethodDelete, at, nil); a.status != http.StatusNoContent {
		t.Errorf("giving a file up: %d %s", a.status, a.body)
	}
	if got := d.here(at); !strings.HasPrefix(got, "404") {
		t.Errorf("a file that was given up: %s", got)
	}
	for n := range 10 {
		d.begun(token, fmt.Sprintf("%d.pdf", n), 10)
	}
	if a := d.begin(token, "10.pdf", 10); a.status != http.StatusTooManyRequests {
		t.Errorf("the eleventh unfinished file: %d %s", a.status, a.body)
	}
	if got := d.received(); got != nil {
		t.Errorf("received: %v", got)
	}
}

// TestALinkOpensNothingOfOthers asks in every way with tokens that lead nowhere,
// and for the files of another link.
func TestALinkOpensNothingOfOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	at := d.begun(token, "скан.pdf", 100)
	file := at[strings.LastIndexByte(at, '/')+1:]
	dead := ""
	refused := func(name, token string) {
		t.Helper()
		for _, r := range []struct {
			method, path string
		}{
			{"GET", ""},
			{"GET", "/state"},
			{"POST", "/files/"},
			{"HEAD", "/files/" + file},
			{"PATCH", "/files/" + file},
			{"DELETE", "/files/" + file},
			{"POST", "/done"},
		} {
			a := d.ask(r.method, "/upload/"+token+r.path, nil, "Upload-Length", "10", "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
			if a.status != http.StatusNotFound {
				t.Errorf("%s: %s %s: %d %s", name, r.method, r.path, a.status, a.body)
			}
			if dead == "" {
				dead = a.body
			}
			if r.method != "HEAD" && a.body != dead {
				t.Errorf("%s: %s %s tells something else: %s", name, r.method, r.path, a.body)
			}
		}
	}
	refused("a wrong token", strings.Repeat("A", 22))
	refused("a long token", strings.Repeat("A", 3000))

	exam := d.exam
	d.exam = d.number(`INSERT INTO exams (number, center_id, address, held_on)
		SELECT '24-119', center_id, address, held_on FROM exams WHERE id = ? RETURNING id`, exam)
	d.exec(`INSERT INTO applications (number, exam_id, level, last_name, first_name, born_on, outcome, violations, registration_number, issued_on, valid_until)
		SELECT '24-119-01', ?, level, last_name, first_name, born_on, outcome, violations, '26-10-40538-000002-1', issued_on, valid_until FROM applications`, d.exam)
	other := d.link()
	for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
		a := d.ask(method, "/upload/"+other+"/files/"+file, nil, "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
		if a.status != http.StatusNotFound {
			t.Errorf("%s by another link: %d %s", method, a.status, a.body)
		}
	}
	for _, odd := range []string{"..%2f..%2fetc%2fpasswd", file + ".info", file + "%2f..", "1-" + strings.Repeat("0", 32)} {
		if a := d.ask("HEAD", "/upload/"+other+"/files/"+odd, nil); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", odd, a.status)
		}
	}
	if got := d.here(at); got != "200 0 of 100" {
		t.Errorf("the own file: %s", got)
	}
	d.exec(`UPDATE memberships SET removed_at = now()`)
	refused("whoever works there no more", token)
	d.exec(`UPDATE memberships SET removed_at = NULL`)
	if a := d.ask("POST", "/upload/"+token+"/done", nil); a.status != http.StatusNoContent {
		t.Errorf("done: %d %s", a.status, a.body)
	}
	if a := d.ask("GET", "/upload/"+token, nil); a.status != http.StatusNotFound {
		t.Errorf("a used link: %d", a.status)
	}
	if log := d.log.String(); strings.Contains(log, token) || strings.Contains(log, other) {
		t.Errorf("the log has a token:\n%s", log)
	}
}

func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	before := d.strings(`SELECT to_jsonb(l)::text FROM upload_links AS l`)
	for range 3 {
		a := d.ask("GET", "/upload/"+token, nil)
		if a.status != http.StatusOK || !strings.Contains(a.body, "Экзамен 24-118") || !strings.Contains(a.body, "до <b>12:30</b>") {
			t.Fatalf("the page: %d %s", a.status, a.body)
		}
		if strings.Contains(a.body, token) || strings.Contains(a.body, "Анна") {
			t.Error("the page holds the token or a name")
		}
		for header, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %q, want %q", header, got, want)
			}
		}
		d.ask("HEAD", "/upload/"+token, nil)
	}
	if diff := cmp.Diff(before, d.strings(`SELECT to_jsonb(l)::text FROM upload_links AS l`)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"upload.js", "upload.css", "tus.min.js", "tus.LICENSE"} {
		if a := d.ask("GET", "/upload-page/"+name, nil); a.status != http.StatusOK || a.header.Get("ETag") == "" {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := d.ask("GET", "/upload-page/x.js", nil); a.status != http.StatusNotFound {
		t.Errorf("what is not there: %d", a.status)
	}
}

func TestThePageIsToldWhatIsThere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	whole := d.begun(token, "первый.pdf", 10)
	d.more(whole, 0, content(10))
	part := d.begun(token, "второй.pdf", 20)
	d.more(part, 0, content(5))
	d.pass(time.Minute)
	type file struct {
		Name         string
		Size, Offset int64
		Mark         string
		Done         bool
	}
	var got struct {
		Left  int
		Files []file
	}
	told := func(token string) {
		t.Helper()
		got.Files = nil
		a := d.ask("GET", "/upload/"+token+"/state", nil)
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
	}
	told(token)
	want := []file{{"первый.pdf", 10, 10, "", true}, {"второй.pdf", 20, 5, "m второй.pdf", false}}
	if diff := cmp.Diff(want, got.Files); diff != "" || got.Left != 29*60 {
		t.Errorf("%d seconds left, %s", got.Left, diff)
	}
	// A new link in the place of the old one has what was begun.
	again := d.link()
	told(again)
	if diff := cmp.Diff(want[1:], got.Files); diff != "" || got.Left != 30*60 {
		t.Errorf("%d seconds left, %s", got.Left, diff)
	}
	if a := d.more(strings.Replace(part, token, again, 1), 5, content(20)[5:]); a.status != http.StatusNoContent {
		t.Errorf("the rest by the new link: %d %s", a.status, a.body)
	}
}

func TestWhatIsLeftOfDeadLinksIsSwept(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	at := d.begun(token, "скан.pdf", 100)
	stray := filepath.Join(d.dir, "notes.txt")
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sweep := func(want int) {
		t.Helper()
		if err := d.server.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := d.left(); got != want {
			t.Errorf("%d names are left, want %d", got, want)
		}
	}
	sweep(3)
	d.pass(89 * time.Minute)
	if a := d.begin(token, "поздний.pdf", 10); a.status != http.StatusGone {
		t.Errorf("a late file: %d %s", a.status, a.body)
	}
	if a := d.more(at, 0, content(50)); a.status != http.StatusNoContent {
		t.Errorf("a file that was begun in time: %d %s", a.status, a.body)
	}
	sweep(3)
	d.pass(time.Minute)
	sweep(1)
}

func TestTriesWithTokensOfNobodyAreBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	if a := d.ask("GET", "/upload/"+token, nil); a.status != http.StatusOK {
		t.Fatalf("the page: %d", a.status)
	}
	tries := 0
	isSlowed := func() bool {
		tries++
		return d.ask("GET", fmt.Sprintf("/upload/%022d", tries), nil).status == http.StatusTooManyRequests
	}
	for !isSlowed() {
		if tries == 1000 {
			t.Fatal("nobody is slowed down")
		}
	}
	if a := d.ask("GET", "/upload/"+token, nil); a.status != http.StatusOK {
		t.Errorf("the link of a person who was here before: %d", a.status)
	}
	if !isSlowed() {
		t.Error("no time has passed, and nobody is slowed down any more")
	}
	if d.pass(time.Second); isSlowed() {
		t.Error("somebody is slowed down for longer than a second")
	}
}
