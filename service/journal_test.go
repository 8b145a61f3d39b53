package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flowbot/service"
	"flowbot/service/foreign"
	"flowbot/service/pdf"
)

// chatFiles is the chat as far as files go.
type chatFiles struct {
	mu    sync.Mutex
	files map[string][]byte
	down  error
}

func (c *chatFiles) Fetch(_ context.Context, ref string, w io.Writer, most int64) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.files[ref]
	switch {
	case c.down != nil:
		return 0, c.down
	case !ok:
		return 0, &service.Error{Kind: service.Invalid, Reason: service.ReasonFileGone}
	case int64(len(b)) > most:
		return 0, &service.Error{Kind: service.Invalid, Reason: service.ReasonFileTooBig}
	}
	n, err := w.Write(b)
	return int64(n), err
}

// post is a desk at which files come in.
type post struct {
	*desk
	journals *service.Journals
	chat     *chatFiles
	updates  int64
}

// maxDownload is larger than a screenshot may be, as with a local Bot API.
const maxDownload = 30 << 20

func newPost(t *testing.T) *post {
	t.Helper()
	reader, err := foreign.New(foreign.Options{TempDir: t.TempDir(), Children: 2})
	if err != nil {
		t.Fatal(err)
	}
	p := &post{desk: newDesk(t), chat: &chatFiles{files: map[string][]byte{}}}
	p.journals = service.NewJournals(p.store, p.chat, reader, p.files, maxDownload, p.now)
	return p
}

// get receives a file from the chat and has it checked.
func (p *post) get(by service.Actor, cohortID int64, name string, photo bool, content []byte) *service.DraftFile {
	p.t.Helper()
	f := p.receive(by, cohortID, name, photo, content)
	if err := p.journals.Check(p.t.Context(), service.CheckFile{DraftFileID: f.ID}); err != nil {
		p.t.Fatal(err)
	}
	return p.draft(f.ID)
}

func (p *post) receive(by service.Actor, cohortID int64, name string, photo bool, content []byte) *service.DraftFile {
	p.t.Helper()
	p.updates++
	ref := fmt.Sprint("ref", p.updates)
	p.chat.mu.Lock()
	if content != nil {
		p.chat.files[ref] = content
	}
	p.chat.mu.Unlock()
	f, err := p.journals.Receive(p.t.Context(), by, service.ReceiveInput{
		CohortID: cohortID, UpdateID: p.updates, ChatRef: ref, Name: name, Size: int64(len(content)), Photo: photo,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

func (p *post) draft(id int64) *service.DraftFile {
	p.t.Helper()
	f, err := p.store.DraftFile(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

// has lists a person's files for a cohort as "kind state name".
func (p *post) has(by service.Actor, cohortID int64) []string {
	p.t.Helper()
	files, err := p.journals.Files(p.t.Context(), by, cohortID)
	if err != nil {
		p.t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		out = append(out, fmt.Sprintf("%s %s %s", f.Kind, f.State, f.Name))
	}
	return out
}

// paper is a small PDF, another one for each n.
func paper(t *testing.T, n int) []byte {
	t.Helper()
	printer, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	b, err := printer.Act(t.Context(), service.ActForm{
		Number: strconv.Itoa(n), Version: 1, Date: day(t, "2026-03-02"), Partner: "Партнёр", Cohort: "1", Program: "Язык",
		Start: day(t, "2026-02-02"), End: day(t, "2026-02-27"),
		Learners: []service.ActFormLearner{{Number: "1", Name: "Иванов Иван", DocNumber: "1", RegistrationNumber: "1", IssuedOn: day(t, "2026-02-27")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func picture(t *testing.T, n int, asPNG bool) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 {
		m.Set(i, n%30, color.RGBA{R: 200, G: uint8(n), A: 255})
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, nil)
	if asPNG {
		b.Reset()
		err = png.Encode(&b, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatAFileIsFoundOutFromItsContent(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	whole := paper(t, 1)
	tests := []struct {
		name    string
		file    string
		photo   bool
		content []byte
		kind    service.JournalKind
		reason  service.Reason // "" when it is accepted
	}{
		{"a PDF", "журнал.pdf", false, whole, service.KindJournal, ""},
		{"a PDF by another name", "журнал.jpg", false, whole, service.KindJournal, ""},
		{"a picture sent as a file", "снимок.png", false, picture(t, 1, true), service.KindScreenshot, ""},
		{"a picture sent as a photo", "", true, picture(t, 2, false), service.KindScreenshot, ""},
		{"a picture that is called a PDF", "журнал.PDF", false, picture(t, 3, false), "", service.ReasonFileIsPicture},
		{"a text that is called a PDF", "журнал.pdf", false, []byte("Журнал регистрации"), "", service.ReasonFileNotPDF},
		{"nothing", "журнал.pdf", false, []byte{}, "", service.ReasonFileEmpty},
		{"half a PDF", "журнал.pdf", false, whole[:len(whole)/2], "", service.ReasonFileBroken},
		{"half a picture", "снимок.png", false, picture(t, 4, true)[:60], "", service.ReasonFileBroken},
		{"a photo that is a PDF", "", true, whole, service.KindScreenshot, service.ReasonFileNotPicture},
		{"a picture of 21 MiB", "снимок.png", false, append(picture(t, 5, true), make([]byte, 21<<20)...), "", service.ReasonFileTooBig},
		{"a file that the chat has lost", "журнал.pdf", false, nil, "", service.ReasonFileGone},
	}
	for _, tt := range tests {
		c := p.cohort(1)
		f := p.get(p.rep, c.ID, tt.file, tt.photo, tt.content)
		if f.Reason != tt.reason || f.Kind != tt.kind || (f.State == service.DraftAccepted) != (tt.reason == "") {
			t.Errorf("%s: %+v, want %q, %q", tt.name, f, tt.kind, tt.reason)
			continue
		}
		if tt.reason != "" {
			if f.State != service.DraftRefused || f.FileSHA != "" {
				t.Errorf("%s: refused and kept: %+v", tt.name, f)
			}
			continue
		}
		for _, sha := range []string{f.FileSHA, f.CleanSHA} {
			if ok, err := p.files.Has(t.Context(), sha); !ok || err != nil {
				t.Errorf("%s: not stored: %v", tt.name, err)
			}
			if row, err := p.store.File(t.Context(), sha); err != nil || row.Type == "application/octet-stream" {
				t.Errorf("%s: row %+v, %v", tt.name, row, err)
			}
		}
		if f.Size != int64(len(tt.content)) || f.Pages != 1 {
			t.Errorf("%s: %d bytes, %d pages", tt.name, f.Size, f.Pages)
		}
	}
	if diff := cmp.Diff([]string{"Ольга Петрова draft"}, p.notices()); diff != "" {
		t.Errorf("one card is renewed: %s", diff)
	}
}

func TestACheckThatCannotBeMadeIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	f := p.receive(p.rep, p.cohort(1).ID, "журнал.pdf", false, paper(t, 1))
	p.chat.down = errors.New("connection reset")
	err := p.journals.Check(t.Context(), service.CheckFile{DraftFileID: f.ID})
	wantReason(t, err, service.ReasonInternal)
	if got := p.draft(f.ID); got.State != service.DraftWaiting {
		t.Errorf("after a failure: %+v", got)
	}
	p.chat.down = nil
	for range 2 {
		if err := p.journals.Check(t.Context(), service.CheckFile{DraftFileID: f.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.draft(f.ID); got.State != service.DraftAccepted {
		t.Errorf("after the second try: %+v", got)
	}
	err = p.journals.Check(t.Context(), service.CheckFile{DraftFileID: 999})
	wantReason(t, err, service.ReasonNotFound)
}

func TestOneUpdateIsOneFile(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	in := service.ReceiveInput{CohortID: c.ID, UpdateID: 7, ChatRef: "r", Name: "a.pdf", Size: 1}
	ids := make([]int64, 8)
	var done sync.WaitGroup
	for i := range ids {
		done.Go(func() {
			f, err := p.journals.Receive(t.Context(), p.rep, in)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = f.ID
		})
	}
	done.Wait()
	if len(slices.Compact(ids)) != 1 || len(p.jobs("check_file")) != 1 {
		t.Errorf("files %v, jobs %v", ids, p.jobs("check_file"))
	}
	// The same number from another person is another message.
	f, err := p.journals.Receive(t.Context(), p.colleague, in)
	if err != nil || f.ID == ids[0] {
		t.Errorf("another person's: %v, %v", f, err)
	}
	// Taken out, it does not come back with a repeated update.
	if err := p.journals.Remove(t.Context(), p.rep, ids[0]); err != nil {
		t.Fatal(err)
	}
	f, err = p.journals.Receive(t.Context(), p.rep, in)
	if err != nil || f.ID != ids[0] || f.State != service.DraftRemoved || len(p.has(p.rep, c.ID)) != 0 {
		t.Errorf("after it was taken out: %+v, %v", f, err)
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c, full := p.cohort(1), p.cohort(1)
	for range service.MaxDraftFiles {
		p.lay(p.rep, full, service.KindScreenshot)
	}
	tests := []struct {
		name string
		by   service.Actor
		in   service.ReceiveInput
		want service.Reason
		data any
	}{
		{"too large for the chat", p.rep, service.ReceiveInput{CohortID: c.ID, UpdateID: 1, Size: maxDownload + 1}, service.ReasonFileOverLimit, service.FileBound{Limit: maxDownload, Got: maxDownload + 1}},
		{"one too many", p.rep, service.ReceiveInput{CohortID: full.ID, UpdateID: 1}, service.ReasonTooManyFiles, service.MaxDraftFiles},
		{"from a reviewer", p.reviewer, service.ReceiveInput{CohortID: c.ID, UpdateID: 1}, service.ReasonForbidden, nil},
		{"from another partner", p.stranger, service.ReceiveInput{CohortID: c.ID, UpdateID: 1}, service.ReasonNotFound, nil},
		{"from a reviewer, for nobody knows what", p.reviewer, service.ReceiveInput{UpdateID: 1}, service.ReasonForbidden, nil},
		{"for no such cohort", p.rep, service.ReceiveInput{CohortID: 999, UpdateID: 1}, service.ReasonNotFound, nil},
	}
	for _, tt := range tests {
		_, err := p.journals.Receive(t.Context(), tt.by, tt.in)
		if service.ReasonOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			continue
		}
		if diff := cmp.Diff(tt.data, service.AsError(err).Data); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if got := p.has(p.rep, c.ID); got != nil {
		t.Errorf("kept %q", got)
	}
}

func TestASecondPDFIsAskedAbout(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	first := p.get(p.rep, c.ID, "первый.pdf", false, paper(t, 1))
	second := p.get(p.rep, c.ID, "второй.pdf", false, paper(t, 2))
	third := p.get(p.rep, c.ID, "третий.pdf", false, paper(t, 3))
	shot := p.get(p.rep, c.ID, "снимок.jpg", false, picture(t, 1, false))
	if diff := cmp.Diff([]string{
		"journal accepted первый.pdf", " accepted второй.pdf", " accepted третий.pdf", "screenshot accepted снимок.jpg",
	}, p.has(p.rep, c.ID)); diff != "" {
		t.Fatal(diff)
	}
	_, err := p.acts.Submit(t.Context(), p.rep, service.SubmitInput{CohortID: c.ID})
	wantReason(t, err, service.ReasonKindUnknown)

	set := func(by service.Actor, id int64, kind service.JournalKind, want service.Reason) {
		t.Helper()
		wantReason(t, p.journals.SetKind(t.Context(), by, id, kind), want)
	}
	set(p.rep, second.ID, service.KindJournal, "")
	set(p.rep, third.ID, service.KindScreenshot, "")
	set(p.rep, shot.ID, service.KindJournal, service.ReasonFileIsPicture)
	set(p.rep, third.ID, service.KindUnknown, service.ReasonNotFound)
	set(p.rep, first.ID, service.KindJournal, service.ReasonNotFound) // it made room
	set(p.colleague, second.ID, service.KindScreenshot, service.ReasonNotFound)
	set(p.reviewer, second.ID, service.KindScreenshot, service.ReasonNotFound)
	set(p.rep, 999, service.KindScreenshot, service.ReasonNotFound)
	waiting := p.receive(p.rep, c.ID, "ждёт.pdf", false, paper(t, 4))
	set(p.rep, waiting.ID, service.KindScreenshot, service.ReasonFilesPending)
	if diff := cmp.Diff([]string{
		"journal accepted второй.pdf", "screenshot accepted третий.pdf", "screenshot accepted снимок.jpg", " waiting ждёт.pdf",
	}, p.has(p.rep, c.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestTwoPDFsOfOneAlbumAreNotBothTheJournal(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	var files []*service.DraftFile
	for i := range 4 {
		files = append(files, p.receive(p.rep, c.ID, "ж.pdf", false, paper(t, i)))
	}
	var done sync.WaitGroup
	for _, f := range files {
		done.Go(func() {
			if err := p.journals.Check(t.Context(), service.CheckFile{DraftFileID: f.ID}); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	journals := 0
	for _, f := range files {
		if p.draft(f.ID).Kind == service.KindJournal {
			journals++
		}
	}
	if journals != 1 {
		t.Errorf("%d journals: %q", journals, p.has(p.rep, c.ID))
	}
}

func TestFilesOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	f := p.lay(p.rep, p.cohort(1), service.KindJournal)
	for _, by := range []service.Actor{p.colleague, p.reviewer, p.stranger} {
		wantReason(t, p.journals.Remove(t.Context(), by, f.ID), service.ReasonNotFound)
		if got := p.has(by, f.CohortID); got != nil {
			t.Errorf("%s sees %q", by.Name, got)
		}
	}
	wantReason(t, p.journals.Remove(t.Context(), p.rep, 999), service.ReasonNotFound)
	if got := p.draft(f.ID); got.State != service.DraftAccepted {
		t.Errorf("left: %+v", got)
	}
}

func TestRefusedFilesAreForgottenOnceRead(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	p.get(p.rep, c.ID, "текст.txt", false, []byte("не то"))
	p.get(p.rep, c.ID, "журнал.pdf", false, paper(t, 1))
	files, err := p.journals.Files(t.Context(), p.rep, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.journals.Tell(t.Context(), p.rep, files); err != nil {
		t.Fatal(err)
	}
	p.get(p.rep, c.ID, "ещё.txt", false, []byte("опять не то")) // refused after the card was shown
	if err := p.journals.Forget(t.Context(), p.rep, c.ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"journal accepted журнал.pdf", " refused ещё.txt"}, p.has(p.rep, c.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestFilesOutOfTheBlueAreAssigned(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	p.get(p.rep, c.ID, "уже.pdf", false, paper(t, 1))
	p.get(p.rep, 0, "ещё.pdf", false, paper(t, 2))
	p.get(p.rep, 0, "", true, picture(t, 1, false))
	late := p.receive(p.rep, 0, "поздний.pdf", false, paper(t, 3))
	wantReason(t, p.journals.Assign(t.Context(), p.reviewer, c.ID), service.ReasonForbidden)
	wantReason(t, p.journals.Assign(t.Context(), p.stranger, c.ID), service.ReasonNotFound)
	if err := p.journals.Assign(t.Context(), p.rep, c.ID); err != nil {
		t.Fatal(err)
	}
	if err := p.journals.Check(t.Context(), service.CheckFile{DraftFileID: late.ID}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"journal accepted уже.pdf", " accepted ещё.pdf", "screenshot accepted file", " accepted поздний.pdf",
	}, p.has(p.rep, c.ID)); diff != "" {
		t.Error(diff)
	}
	if got := p.has(p.rep, 0); got != nil {
		t.Errorf("still without a purpose: %q", got)
	}
}

func TestAPackageMustBeWhole(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	journal := func(c *service.Cohort) { p.lay(p.rep, c, service.KindJournal) }
	shots := func(n int) func(*service.Cohort) {
		return func(c *service.Cohort) {
			for range n {
				p.lay(p.rep, c, service.KindScreenshot)
			}
		}
	}
	in2024 := func(c *service.Cohort) {
		p.exec("UPDATE cohorts SET start_on = '2024-12-01', end_on = '2024-12-31' WHERE id = ?", c.ID)
	}
	on2025 := func(c *service.Cohort) {
		p.exec("UPDATE cohorts SET start_on = '2024-12-01', end_on = '2025-01-01' WHERE id = ?", c.ID)
	}
	refused := func(c *service.Cohort) { p.get(p.rep, c.ID, "текст.pdf", false, []byte("текст")) }
	pending := func(c *service.Cohort) { p.receive(p.rep, c.ID, "ещё.pdf", false, paper(t, 1)) }
	removed := func(c *service.Cohort) {
		if err := p.journals.Remove(t.Context(), p.rep, p.lay(p.rep, c, service.KindScreenshot).ID); err != nil {
			t.Fatal(err)
		}
	}
	type parts = []func(*service.Cohort)
	tests := []struct {
		name string
		lay  parts
		want service.Reason
	}{
		{"nothing", nil, service.ReasonJournalMissing},
		{"screenshots alone", parts{shots(2)}, service.ReasonJournalMissing},
		{"a journal alone", parts{journal}, service.ReasonScreenshotsMissing},
		{"a journal and a screenshot that was taken out", parts{journal, removed}, service.ReasonScreenshotsMissing},
		{"a journal alone, on the first day of 2025", parts{on2025, journal}, service.ReasonScreenshotsMissing},
		{"a journal alone, before 2025", parts{in2024, journal}, ""},
		{"a journal and a screenshot", parts{journal, shots(1)}, ""},
		{"a journal and as many screenshots as may be", parts{shots(service.MaxScreenshots), journal}, ""},
		{"a screenshot too many", parts{journal, shots(service.MaxScreenshots + 1)}, service.ReasonTooManyScreenshots},
		{"two journals", parts{journal, journal, shots(1)}, service.ReasonTwoJournals},
		{"a refused file beside", parts{journal, shots(1), refused}, ""},
		{"a file that is still looked at", parts{journal, shots(1), pending}, service.ReasonFilesPending},
	}
	for _, tt := range tests {
		c := p.cohort(1)
		p.generate(c)
		for _, lay := range tt.lay {
			lay(c)
		}
		j, err := p.acts.Submit(t.Context(), p.rep, service.SubmitInput{CohortID: c.ID})
		if service.ReasonOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			continue
		}
		if tt.want == "" && (j.Version != 1 || p.current(c).JournalVersion != 1 || p.current(c).Revision != 3) {
			t.Errorf("%s: %+v, %+v", tt.name, j, p.current(c))
		}
		if tt.want != "" && p.current(c).JournalVersion != 0 {
			t.Errorf("%s: refused and yet a version", tt.name)
		}
	}
}

func TestAVersionKeepsItsFilesInOrder(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	p.generate(c)
	p.get(p.rep, c.ID, "б.png", false, picture(t, 1, true))
	p.get(p.rep, c.ID, "журнал <&>.pdf", false, paper(t, 1))
	p.get(p.rep, c.ID, "а.png", false, picture(t, 2, true))
	j, err := p.acts.Submit(t.Context(), p.rep, service.SubmitInput{CohortID: c.ID})
	if err != nil {
		t.Fatal(err)
	}
	files, err := p.store.JournalFiles(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, fmt.Sprintf("%s %d %s", f.Kind, f.Position, f.Name))
		if f.Size == 0 || f.FileSHA == "" || f.CleanSHA == "" {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff([]string{"journal 1 журнал <&>.pdf", "screenshot 1 б.png", "screenshot 2 а.png"}, got); diff != "" {
		t.Error(diff)
	}
	if got := p.has(p.rep, c.ID); got != nil {
		t.Errorf("the conversation still has %q", got)
	}
	_, err = p.acts.Submit(t.Context(), p.rep, service.SubmitInput{CohortID: c.ID})
	wantReason(t, err, service.ReasonMovedOn)
	moved, _ := service.AsError(err).Data.(service.Moved)
	if moved.Event != "submit" || moved.By != p.rep.Name {
		t.Errorf("a second tap is told %+v", moved)
	}
}

func (p *post) begin(by service.Actor, c *service.Cohort, want int) {
	p.t.Helper()
	base, err := p.journals.Begin(p.t.Context(), by, c.ID)
	if err != nil || base != want {
		p.t.Fatalf("began from %d, %v, want %d", base, err, want)
	}
}

// TestAMendedPackageStartsFromTheRejectedOne keeps what the comment does not
// concern.
func TestAMendedPackageStartsFromTheRejectedOne(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	a := p.generate(c)
	p.begin(p.rep, c, 0)
	p.get(p.rep, c.ID, "журнал.pdf", false, paper(t, 1))
	p.get(p.rep, c.ID, "первый.png", false, picture(t, 1, true))
	p.get(p.rep, c.ID, "второй.png", false, picture(t, 2, true))
	v1 := p.send(p.rep, c)
	p.reject(p.reviewer, a.ID, "Второй снимок нечитаем")

	all := []string{"journal accepted журнал.pdf", "screenshot accepted первый.png", "screenshot accepted второй.png"}
	p.begin(p.rep, c, 1)
	if diff := cmp.Diff(all, p.has(p.rep, c.ID)); diff != "" {
		t.Fatalf("it starts from: %s", diff)
	}
	files, err := p.journals.Files(t.Context(), p.rep, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.journals.Remove(t.Context(), p.rep, files[2].ID); err != nil {
		t.Fatal(err)
	}
	p.begin(p.rep, c, 1) // after /cancel
	if diff := cmp.Diff(all[:2], p.has(p.rep, c.ID)); diff != "" {
		t.Errorf("begun again: %s", diff)
	}
	for _, f := range files[:2] {
		if err := p.journals.Remove(t.Context(), p.rep, f.ID); err != nil {
			t.Fatal(err)
		}
	}
	p.begin(p.rep, c, 1)
	if diff := cmp.Diff(all, p.has(p.rep, c.ID)); diff != "" {
		t.Errorf("begun again with nothing left: %s", diff)
	}

	// The act is mended instead, and the same files go once more.
	if _, err := p.acts.Regenerate(t.Context(), p.rep, service.RegenerateInput{ActID: a.ID, Revision: p.act(a.ID).Revision}); err != nil {
		t.Fatal(err)
	}
	v2 := p.send(p.rep, c)
	before, err := p.store.JournalFiles(t.Context(), v1.ID)
	if err != nil {
		t.Fatal(err)
	}
	after, err := p.store.JournalFiles(t.Context(), v2.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range after {
		after[i].ID, after[i].JournalID = before[i].ID, v1.ID
	}
	if diff := cmp.Diff(before, after); diff != "" || v2.Version != 2 {
		t.Errorf("version %d: %s", v2.Version, diff)
	}
	if got := p.act(a.ID); got.Version != 2 || got.JournalVersion != 2 || got.Status != service.ActInApproval {
		t.Errorf("the act: %+v", got)
	}
}

func TestAJournalOutOfTheBlueTakesTheRejectedOnesPlace(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	a := p.generate(c)
	p.get(p.rep, c.ID, "старый.pdf", false, paper(t, 1))
	p.get(p.rep, c.ID, "снимок.png", false, picture(t, 1, true))
	p.send(p.rep, c)
	p.reject(p.reviewer, a.ID, "Нет подписи")

	p.get(p.rep, 0, "новый.pdf", false, paper(t, 2))
	if err := p.journals.Assign(t.Context(), p.rep, c.ID); err != nil {
		t.Fatal(err)
	}
	p.begin(p.rep, c, 1)
	if diff := cmp.Diff([]string{"journal accepted новый.pdf", "screenshot accepted снимок.png"}, p.has(p.rep, c.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestFilesOfAnOlderVersionMakeRoom(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	p.generate(c)
	p.get(p.rep, c.ID, "первая.pdf", false, paper(t, 1))
	p.get(p.rep, c.ID, "первый.png", false, picture(t, 1, true))
	p.send(p.rep, c)
	p.begin(p.rep, c, 1) // and left there
	p.get(p.rep, c.ID, "свой.png", false, picture(t, 3, true))

	p.get(p.colleague, c.ID, "вторая.pdf", false, paper(t, 2))
	p.get(p.colleague, c.ID, "второй.png", false, picture(t, 2, true))
	p.send(p.colleague, c)

	_, err := p.acts.Submit(t.Context(), p.rep, service.SubmitInput{CohortID: c.ID, BaseVersion: 1})
	wantReason(t, err, service.ReasonMovedOn)
	p.begin(p.rep, c, 2)
	if diff := cmp.Diff([]string{
		"screenshot accepted свой.png", "journal accepted вторая.pdf", "screenshot accepted второй.png",
	}, p.has(p.rep, c.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestBeginRefuses(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	for by, want := range map[*service.Actor]service.Reason{&p.reviewer: service.ReasonForbidden, &p.stranger: service.ReasonNotFound} {
		_, err := p.journals.Begin(t.Context(), *by, c.ID)
		wantReason(t, err, want)
	}
}

func TestSafeName(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "Журнал 118.pdf", "Журнал 118.pdf"},
		{"markup stays", `<b>"&".pdf`, `<b>"&".pdf`},
		{"a way out", "../../etc/passwd", "passwd"},
		{"a way out of Windows", `..\..\боот.ini`, "боот.ini"},
		{"a folder", "папка/", "папка"},
		{"control characters", "жур\x00нал\n\t\x1b[31m.pdf", "журнал[31m.pdf"},
		{"right to left override", "журнал\u202efdp.exe", "журналfdp.exe"},
		{"isolates and marks", "\u2066а\u2069\u200f\u061c\ufeff.pdf", "а.pdf"},
		{"line separators", "а\u2028б\u2029.pdf", "аб.pdf"},
		{"no text", "жур\xff\xfe.pdf", "жур.pdf"},
		{"a family of emoji", "семья 👨‍👩‍👧‍👦 🏳️‍🌈.png", "семья 👨‍👩‍👧‍👦 🏳️‍🌈.png"},
		{"only dots", "...", "file"},
		{"dot dot", "..", "file"},
		{"nothing", "", "file"},
		{"slashes", "///", "file"},
		{"spaces", " \u00a0\u2003 ", "file"},
		{"joiners alone", "\u200d\u200c", "file"},
		{"a hidden file", ".htaccess", "htaccess"},
		{"300 letters", strings.Repeat("ж", 300) + ".pdf", strings.Repeat("ж", 116) + ".pdf"},
		{"an ending of 300 letters", "а." + strings.Repeat("ж", 300), "а." + strings.Repeat("ж", 118)},
		{"a space where it is cut", strings.Repeat("ж", 119) + " " + strings.Repeat("ж", 50), strings.Repeat("ж", 119)},
		{"a point where it is cut", strings.Repeat("ж", 115) + "." + strings.Repeat("ж", 50) + ".pdf", strings.Repeat("ж", 115) + ".pdf"},
		{"120 letters", strings.Repeat("ж", 116) + ".pdf", strings.Repeat("ж", 116) + ".pdf"},
	}
	for _, tt := range tests {
		if got := service.SafeName(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if once := service.SafeName(tt.in); service.SafeName(once) != once {
			t.Errorf("%s: made safe twice it is %q, not %q", tt.name, service.SafeName(once), once)
		}
	}
}

func TestAnySafeNameIsShortAndVisible(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("аbвгд. \u202e\u200d\u0301")), 0, 300, -1), rapid.StringOfN(rapid.RuneFrom([]rune("аb. \u00a0")), 115, 140, -1)).Draw(rt, "name")
		got := service.SafeName(in)
		if got == "" || utf8.RuneCountInString(got) > 120 || !utf8.ValidString(got) || service.SafeName(got) != got {
			rt.Fatalf("%q becomes %q", in, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || r == '/' || r == '\\' || unicode.Is(unicode.Bidi_Control, r) {
				rt.Fatalf("%q becomes %q with %U", in, got, r)
			}
		}
	})
}

func TestAFileThatCannotBeCheckedIsAskedForAgain(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	c := p.cohort(1)
	f := p.receive(p.rep, c.ID, "журнал.pdf", false, paper(t, 1))
	job := service.CheckFile{DraftFileID: f.ID}

	if err := p.journals.GiveUp(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if got := p.draft(f.ID); got.State != service.DraftRefused || got.Reason != service.ReasonFileUnread {
		t.Errorf("given up: %+v", got)
	}
	if err := p.journals.Check(t.Context(), job); err != nil { // an admin has it tried again
		t.Fatal(err)
	}
	if got := p.draft(f.ID); got.State != service.DraftRefused {
		t.Errorf("tried again: %+v", got)
	}
}
