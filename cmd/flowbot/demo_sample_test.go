package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

func TestInventedLearnersAreDifferentPeople(t *testing.T) {
	t.Parallel()
	for k := range sampleCohorts {
		c := &sampleCohorts[k]
		seen := map[string]string{}
		for _, row := range c.rows(service.NewDay(2026, time.March, 2)) {
			name := strings.Join(row[2:5], " ")
			if other := seen[name]; other != "" {
				t.Errorf("cohort %s: %s and %s are both %s", c.number, other, row[1], name)
			}
			seen[name] = row[1]
		}
	}
}

func TestInventedCandidatesAreDifferentPeople(t *testing.T) {
	t.Parallel()
	seen, numbers := map[string]string{}, map[string]bool{}
	for _, e := range sampleExams {
		for n, c := range e.candidates {
			number := e.application(n + 1)
			// The two with a phone have sat several exams.
			if other := seen[c.full()]; other != "" && c.full() != sampleLinked.full() && c.full() != sampleUnlinked.full() {
				t.Errorf("%s and %s are both %s", other, number, c.full())
			}
			seen[c.full()] = number
			if numbers[number] {
				t.Errorf("two applications %s", number)
			}
			numbers[number] = true
		}
	}
}

// sampleDesk is somebody of the sample's center at work.
type sampleDesk struct {
	t     *testing.T
	store service.Store
	s     services
	by    service.Actor
	all   int // files sent
}

// send has a file of the directory taken and looked at.
func (d *sampleDesk) send(purpose service.UploadPurpose, subject int64, name string) *service.Upload {
	d.t.Helper()
	d.all++
	u, err := d.s.uploads.Receive(d.t.Context(), d.by, service.UploadInput{
		Purpose: purpose, SubjectID: subject, UpdateID: int64(d.all), ChatRef: name, Name: name,
	})
	if err == nil {
		err = d.s.uploads.Check(d.t.Context(), service.CheckUpload{UploadID: u.ID})
	}
	if err == nil {
		u, err = d.s.uploads.Current(d.t.Context(), d.by, purpose, subject)
	}
	if err != nil || u.State != service.UploadAccepted {
		d.t.Fatalf("%s: %v, %+v", name, err, u)
	}
	return u
}

// generate imports registration numbers and returns how many were written and how
// many are missing still.
func (d *sampleDesk) generate(exam int64, name string) [2]int {
	d.t.Helper()
	u := d.send(service.UploadNumbers, exam, name)
	r, err := d.s.frdo.Report(d.t.Context(), d.by, u)
	if err == nil {
		r, err = d.s.frdo.Generate(d.t.Context(), d.by, service.NumbersInput{ExamID: exam, UploadID: u.ID, Digest: r.Digest, UpdateID: int64(d.all)})
	}
	if err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
	return [2]int{r.Matched, r.Remaining}
}

// dirFiles gives what lies in a directory as if it came from a chat.
type dirFiles string

func (d dirFiles) Fetch(_ context.Context, ref string, w io.Writer, _ int64) (int64, error) {
	b, err := os.ReadFile(filepath.Join(string(d), ref))
	if err != nil {
		return 0, err
	}
	n, err := w.Write(b)
	return int64(n), err
}

// TestTheSampleIsWhole does with the sample what a visitor is told to.
func TestTheSampleIsWhole(t *testing.T) {
	t.Parallel()
	i, dir := openSample(t, newPlace(t))
	defer i.Close()
	s, err := i.wire(func() time.Time { return sampleDay }, dirFiles(dir))
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.exams.Counts(t.Context(), service.CommandLine, service.ExamFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range service.CertificateStatuses {
		if counts[status] == 0 {
			t.Errorf("no exam is %s", status)
		}
	}

	var staff []service.Actor
	for _, p := range samplePeople {
		if p.role == service.RoleCenterStaff {
			a, err := i.db.ActorByTelegram(t.Context(), p.telegram)
			if err != nil {
				t.Fatal(err)
			}
			staff = append(staff, a)
		}
	}
	d := &sampleDesk{t: t, store: i.db, s: s, by: staff[1]}
	ready, err := s.exams.ViewByNumber(t.Context(), d.by, "316")
	if err != nil {
		t.Fatal(err)
	}
	got := [][2]int{
		d.generate(ready.Exam.ID, "Ответ ФИС ФРДО 316.xlsx"), d.generate(ready.Exam.ID, "Ответ ФИС ФРДО 316, исправленный.csv"),
	}
	if diff := cmp.Diff([][2]int{{10, 1}, {1, 0}}, got); diff != "" {
		t.Errorf("numbers written and missing (-want +got):\n%s", diff)
	}
	_, printings, err := s.certificates.Printings(t.Context(), d.by, ready.Exam.ID, 0, 10)
	if err != nil || len(printings) != 2 {
		t.Fatalf("%d printings (%v)", len(printings), err)
	}
	for k := range printings {
		if err := s.certificates.Print(t.Context(), service.PrintCertificates{PrintingID: printings[k].ID}); err != nil {
			t.Fatal(err)
		}
		p, err := s.certificates.Printing(t.Context(), d.by, printings[k].ID)
		if err != nil || p.Fault != nil || len(p.Parts) == 0 {
			t.Errorf("printing %d is %+v (%v)", k, p, err)
		}
	}

	d.candidates()
}

// candidates looks at the two candidates' phones.
func (d *sampleDesk) candidates() {
	t := d.t
	t.Helper()
	for _, p := range samplePeople {
		if p.number == "" {
			continue
		}
		if p.role != service.RoleCandidate { // proves who they are by what the list says
			err := errors.Join(
				d.s.candidates.BeginClaim(t.Context(), p.telegram),
				d.s.candidates.ClaimPhone(t.Context(), service.ClaimContact{TelegramID: p.telegram, OwnerID: p.telegram, Phone: p.number}),
				d.s.candidates.ClaimBorn(t.Context(), p.telegram, "14.05.1993"),
			)
			claimed, cerr := d.s.candidates.ClaimDigits(t.Context(), service.ClaimInput{TelegramID: p.telegram, Language: p.language, Digits: "4821"})
			if err != nil || cerr != nil || !claimed.New {
				t.Errorf("%s claims %+v (%v, %v)", p.phone, claimed, err, cerr)
			}
		}
		a, err := d.store.ActorByTelegram(t.Context(), p.telegram)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := d.s.candidates.Mine(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		ready := 0
		for k := range mine {
			if mine[k].Ready {
				ready++
			}
		}
		if ready != 1 || a.Language != p.language {
			t.Errorf("%s speaks %s and has %d certificates to get", p.phone, a.Language, ready)
		}
	}
}
