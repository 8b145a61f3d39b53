package service_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/service/foreign"
)

// counter is a center at which files come in.
type counter struct {
	*center
	uploads *service.Uploads
	chat    *chatFiles
	updates int64
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	reader, err := foreign.New(foreign.Options{TempDir: t.TempDir(), Children: 2})
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{center: newCenter(t), chat: &chatFiles{files: map[string][]byte{}}}
	say := func(r service.Reason, data any) (string, error) { return fmt.Sprint(r, " ", data), nil }
	c.uploads = service.NewUploads(c.store, c.chat, reader, c.files, maxDownload, say, c.now)
	return c
}

// input is a new file of the chat for the protocol of an exam.
func (c *counter) input(e *service.Exam, name string, content []byte) service.UploadInput {
	c.updates++
	ref := fmt.Sprint("ref", c.updates)
	if content != nil {
		c.chat.files[ref] = content
	}
	return service.UploadInput{
		Purpose: service.UploadProtocol, SubjectID: e.ID, UpdateID: c.updates, ChatRef: ref, Name: name, Size: int64(len(content)),
	}
}

// get receives a file and has it checked.
func (c *counter) get(by service.Actor, in service.UploadInput) *service.Upload {
	c.t.Helper()
	u, err := c.uploads.Receive(c.t.Context(), by, in)
	if err != nil {
		c.t.Fatal(err)
	}
	c.check(u.ID)
	return c.upload(u.ID)
}

func (c *counter) check(id int64) {
	c.t.Helper()
	if err := c.uploads.Check(c.t.Context(), service.CheckUpload{UploadID: id}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *counter) upload(id int64) *service.Upload {
	c.t.Helper()
	u, err := c.store.Upload(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return u
}

// count counts rows.
func (c *counter) count(query string, args ...any) int {
	c.t.Helper()
	var n int
	if err := c.store.Bun().NewRaw(query, args...).Scan(c.t.Context(), &n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func TestAFileIsAcceptedByItsContent(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	tests := []struct {
		name    string
		content []byte
		state   service.UploadState
		reason  service.Reason
		mime    string
		pages   int
	}{
		{"протокол.pdf", paper(t, 1), service.UploadAccepted, "", "application/pdf", 1},
		{"протокол без окончания", paper(t, 2), service.UploadAccepted, "", "application/pdf", 1},
		{"снимок.pdf", picture(t, 1, false), service.UploadAccepted, "", "image/jpeg", 1},
		{"снимок.png", picture(t, 2, true), service.UploadAccepted, "", "image/png", 1},
		{"таблица.pdf", []byte("PK\x03\x04 and so on"), service.UploadRefused, service.ReasonUploadNotPaper, "", 0},
		{"слова.txt", []byte("это не протокол"), service.UploadRefused, service.ReasonUploadNotPaper, "", 0},
		{"обрезан.pdf", paper(t, 3)[:300], service.UploadRefused, service.ReasonFileBroken, "", 0},
		{"пусто.pdf", []byte{}, service.UploadRefused, service.ReasonFileEmpty, "", 0},
		{"нет в чате.pdf", nil, service.UploadRefused, service.ReasonFileGone, "", 0},
	}
	for _, tt := range tests {
		u := c.get(c.anna, c.input(c.exam(0), tt.name, tt.content))
		if u.State != tt.state || u.Reason != tt.reason || u.Type != tt.mime || u.Pages != tt.pages || (u.Words != "") != (tt.reason != "") {
			t.Errorf("%s: %s %s %q %d %q", tt.name, u.State, u.Reason, u.Type, u.Pages, u.Words)
		}
		if u.Name != tt.name {
			t.Errorf("the name %q became %q", tt.name, u.Name)
		}
	}
	if n := c.count("SELECT count(*) FROM notices WHERE kind = 'upload' AND person_id = ?", c.anna.PersonID); n != 1 {
		t.Errorf("%d notices wait to renew one card", n)
	}
}

func TestOneFileLiesForOnePurpose(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	ctx := t.Context()
	e := c.exam(0)
	first := c.get(c.anna, c.input(e, "первый.pdf", paper(t, 1)))

	album := c.input(e, "из альбома.pdf", paper(t, 2))
	album.Album = true
	huge := c.input(e, "большой.pdf", nil)
	huge.Size = maxDownload + 1
	for _, tt := range []struct {
		in   service.UploadInput
		want service.Reason
	}{
		{c.input(e, "второй.pdf", paper(t, 2)), service.ReasonUploadSecond},
		{album, service.ReasonUploadAlbum},
		{huge, service.ReasonFileOverLimit},
	} {
		_, err := c.uploads.Receive(ctx, c.anna, tt.in)
		if got := service.ReasonOf(err); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.in.Name, got, tt.want)
		}
	}
	current := func(by service.Actor) *service.Upload {
		t.Helper()
		u, err := c.uploads.Current(ctx, by, service.UploadProtocol, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if diff := cmp.Diff(first, current(c.anna)); diff != "" {
		t.Error(diff)
	}
	if n := c.count("SELECT count(*) FROM uploads"); n != 1 {
		t.Errorf("%d files were written", n)
	}
	if u := current(c.boris); u != nil {
		t.Errorf("a colleague finds %q", u.Name)
	}
	if err := c.uploads.Remove(ctx, c.boris, first.ID); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("a colleague removes it: %v", err)
	}
	if err := c.uploads.Remove(ctx, c.anna, first.ID); err != nil {
		t.Fatal(err)
	}
	if u := current(c.anna); u != nil {
		t.Errorf("%q is there still", u.Name)
	}
	bad := c.get(c.anna, c.input(e, "слова.txt", []byte("нет")))
	good := c.get(c.anna, c.input(e, "третий.pdf", paper(t, 3)))
	if got := current(c.anna); got.ID != good.ID || c.upload(bad.ID).State != service.UploadRemoved {
		t.Errorf("after a refused file: %q, the refused is %s", got.Name, c.upload(bad.ID).State)
	}
}

func TestTheSameUpdateIsTheSameFile(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	ctx := t.Context()
	e := c.exam(0)
	in := c.input(e, "протокол.pdf", paper(t, 1))
	u := c.get(c.anna, in)
	again, err := c.uploads.Receive(ctx, c.anna, in)
	if err != nil || again.ID != u.ID || again.State != service.UploadAccepted {
		t.Errorf("the update again: %+v, %v", again, err)
	}
	c.check(u.ID) // the worker was killed after its work
	if diff := cmp.Diff(u, c.upload(u.ID)); diff != "" {
		t.Error(diff)
	}
	if err := c.uploads.Remove(ctx, c.anna, u.ID); err != nil {
		t.Fatal(err)
	}
	if again, err = c.uploads.Receive(ctx, c.anna, in); err != nil || again.State != service.UploadRemoved {
		t.Errorf("the update after its file was taken out: %+v, %v", again, err)
	}
	if n := c.count("SELECT count(*) FROM river_job WHERE kind = 'check_upload'"); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

func TestOnlyStaffOfTheCenterSendFiles(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	e := c.exam(1)
	a := c.applications(e)[0]
	subjects := map[service.UploadPurpose]int64{
		service.UploadProtocol: e.ID, service.UploadNumbers: e.ID,
		service.UploadScan: a.ID, service.UploadProfile: c.org.ID,
	}
	for purpose, subject := range subjects {
		for _, tt := range []struct {
			name string
			by   service.Actor
			want service.Reason
		}{
			{"staff", c.boris, ""},
			{"another center's staff", c.stranger, service.ReasonNotFound},
			{"an admin", c.admin, service.ReasonForbidden},
			{"somebody who has left", service.Actor{PersonID: c.anna.PersonID + 1000, Seats: c.anna.Seats}, service.ReasonNotFound},
		} {
			in := c.input(e, "файл.pdf", paper(t, 1))
			in.Purpose, in.SubjectID = purpose, subject
			_, err := c.uploads.Receive(t.Context(), tt.by, in)
			got := service.ReasonOf(err)
			if purpose == service.UploadProfile && tt.want == service.ReasonNotFound {
				tt.want = service.ReasonForbidden // a center is no secret
			}
			if got != tt.want {
				t.Errorf("%s, %s: %q, want %q", purpose, tt.name, got, tt.want)
			}
		}
	}
}

func TestAFaultOfOursIsTriedAgainAndThenTold(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	ctx := t.Context()
	u, err := c.uploads.Receive(ctx, c.anna, c.input(c.exam(0), "протокол.pdf", paper(t, 1)))
	if err != nil {
		t.Fatal(err)
	}
	c.chat.down = errors.New("no network")
	job := service.CheckUpload{UploadID: u.ID}
	if err := c.uploads.Check(ctx, job); err == nil || c.upload(u.ID).State != service.UploadWaiting {
		t.Errorf("without the chat: %v, %s", err, c.upload(u.ID).State)
	}
	if err := c.uploads.GiveUp(ctx, job); err != nil {
		t.Fatal(err)
	}
	if got := c.upload(u.ID); got.State != service.UploadRefused || got.Reason != service.ReasonFileUnread {
		t.Errorf("given up: %s %s", got.State, got.Reason)
	}
}

func TestAPurposeHasItsOwnLook(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	e := c.exam(0)
	c.uploads.Examine(service.UploadNumbers, func(_ context.Context, by service.Actor, u *service.Upload, local string) (service.Examined, error) {
		if by.PersonID != c.anna.PersonID || local == "" {
			t.Errorf("asked for person %d", by.PersonID)
		}
		if u.Name == "плохая.csv" {
			return service.Examined{}, &service.Error{Kind: service.Invalid, Reason: service.ReasonSheetTooBig, Data: service.FileBound{Limit: 1, Got: u.Size}}
		}
		return service.Examined{Clean: service.File{SHA256: u.FileSHA, Size: u.Size, Type: "text/csv"}}, nil
	})
	send := func(name string) *service.Upload {
		in := c.input(e, name, []byte("номер;дата"))
		in.Purpose = service.UploadNumbers
		return c.get(c.anna, in)
	}
	if u := send("плохая.csv"); u.Reason != service.ReasonSheetTooBig || u.Words != "sheet.too_big {1 19}" {
		t.Errorf("refused: %s %q", u.Reason, u.Words)
	}
	if u := send("хорошая.csv"); u.State != service.UploadAccepted || u.Type != "text/csv" || u.CleanSHA != u.FileSHA {
		t.Errorf("accepted: %+v", u)
	}
}
