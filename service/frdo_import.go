package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strconv"
	"time"
)

// NumbersNotice brings the table that somebody sent back, with what would become
// of each row.
type NumbersNotice struct {
	ExamID int64  `json:"exam_id"`
	Marked string `json:"marked"` // SHA-256
}

// NoticeKind names the notice.
func (NumbersNotice) NoticeKind() string { return "numbers" }

// NoticeLane is the lane of answers.
func (NumbersNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps one: the table is the newest.
func (n NumbersNotice) NoticeKey() string { return "numbers:" + strconv.FormatInt(n.ExamID, 10) }

// The events that an import of numbers writes.
const (
	ExamGenerated       = "generate"        // of an exam; the comment is how many were written
	ApplicationNumbered = "register_number" // of an application; the comment is the number
)

// numbersTitle is the title of the column that the returned table has besides.
// Source: the domain, section 3.2.
const numbersTitle = "Результат"

// WhyNoNumbers is the refusal that importing numbers into the exam would meet
// now, or nil: only an exam that is ready and lacks numbers, or has some that a
// person typed, takes them, and only from the staff of its center.
func (s *Frdo) WhyNoNumbers(ctx context.Context, by Actor, examID int64) error {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return fmt.Errorf("exam %d: %w", examID, err)
	}
	return takesNumbers(ctx, s.store, by, e)
}

// takesNumbers refuses an import into an exam whose status of certificates is
// another than «Требуется генерация», unless a person typed numbers there.
func takesNumbers(ctx context.Context, q Queries, by Actor, e *Exam) error {
	if err := isStaffOf(by, e.CenterID); err != nil {
		return err
	}
	switch e.CertificateStatus {
	case CertificatesToGenerate:
		return nil
	case CertificatesNotReady:
		return refuseWith(Invalid, ReasonFrdoNotReady, FrdoUnready{e.Unsettled, e.ProtocolStatus})
	case CertificatesNotNeeded:
		return refuse(Invalid, ReasonFrdoNotNeeded)
	case CertificatesToLoad, CertificatesPartlyLoaded, CertificatesLoaded:
	}
	typed, err := q.TypedNumbers(ctx, e.ID)
	if err == nil && typed == 0 {
		err = refuse(Invalid, ReasonFrdoNumbered)
	}
	return err
}

// examine looks at a table of registration numbers that somebody has sent: it
// stores what the table says, and sends it back with what would become of each
// row. It is the Examiner of UploadNumbers.
func (s *Frdo) examine(ctx context.Context, by Actor, u *Upload, local string) (Examined, error) {
	sheets, err := s.book.Read(ctx, local)
	if err != nil {
		return Examined{}, err
	}
	table, err := readNumbers(sheets)
	if err != nil {
		return Examined{}, err
	}
	report, err := s.report(ctx, by, u.SubjectID, table)
	if err != nil {
		return Examined{}, err
	}
	table.First = report.Digest
	data, err := json.Marshal(table)
	if err != nil {
		return Examined{}, fmt.Errorf("encode numbers: %w", err)
	}
	clean := File{Type: "application/json"}
	if clean.SHA256, clean.Size, err = s.files.Put(ctx, bytes.NewReader(data)); err != nil {
		return Examined{}, fmt.Errorf("store numbers: %w", err)
	}
	marked, err := s.marked(ctx, local, table, report)
	if err != nil {
		return Examined{}, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveFile(ctx, marked); err != nil {
			return err
		}
		return tx.Enqueue(ctx, by.PersonID, NumbersNotice{ExamID: u.SubjectID, Marked: marked.SHA256}, time.Time{})
	})
	if err != nil {
		return Examined{}, fmt.Errorf("return table: %w", err)
	}
	return Examined{Clean: clean}, nil
}

// marked stores the sender's table with the column of results.
func (s *Frdo) marked(ctx context.Context, local string, table *numberTable, report *NumbersReport) (File, error) {
	var marks []SheetMark
	for _, h := range table.Heads {
		marks = append(marks, SheetMark{Sheet: h.Sheet, Row: h.Row, Head: true, Plain: true})
	}
	for i := range report.Rows {
		r := &report.Rows[i]
		words, err := s.say("numbers_row", r)
		if err != nil {
			return File{}, fmt.Errorf("words of a row: %w", err)
		}
		marks = append(marks, SheetMark{
			Sheet: r.Sheet, Row: r.Row, Text: html.UnescapeString(words), Plain: r.Verdict == NumberMatched || r.Verdict == NumberSame,
		})
	}
	sha, size, err := putFrom(ctx, s.files, func(w io.Writer) error { return s.book.Mark(ctx, local, numbersTitle, marks, w) })
	if err != nil {
		return File{}, fmt.Errorf("mark table: %w", err)
	}
	return File{SHA256: sha, Size: size, Type: workbookType}, nil
}

// Marked returns the table that an import sends back, named by the exam's number,
// for the staff of its center, and the exam.
func (s *Frdo) Marked(ctx context.Context, by Actor, n NumbersNotice) (*Exam, *Document, error) {
	e, err := s.store.Exam(ctx, by, n.ExamID)
	if err == nil {
		err = isStaffOf(by, e.CenterID)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("exam %d: %w", n.ExamID, err)
	}
	f, err := s.store.File(ctx, n.Marked)
	if err != nil {
		return nil, nil, fmt.Errorf("marked table of exam %d: %w", n.ExamID, err)
	}
	return e, &Document{
		Name: fileName(e.Number), SHA256: f.SHA256, Size: f.Size,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return s.files.Open(ctx, n.Marked) },
	}, nil
}

// Report tells what generating from the table that the actor has sent would do
// now. The upload must have been accepted.
func (s *Frdo) Report(ctx context.Context, by Actor, u *Upload) (*NumbersReport, error) {
	if u == nil || u.PersonID != by.PersonID || u.Purpose != UploadNumbers || u.CleanSHA == "" {
		return nil, refuse(Invalid, ReasonFrdoNoFile)
	}
	table, err := s.table(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.report(ctx, by, u.SubjectID, table)
}

// table reads what a sent table says.
func (s *Frdo) table(ctx context.Context, u *Upload) (*numberTable, error) {
	r, err := s.files.Open(ctx, u.CleanSHA)
	if err != nil {
		return nil, fmt.Errorf("open numbers: %w", err)
	}
	defer r.Close()
	table := new(numberTable)
	if err := json.NewDecoder(r).Decode(table); err != nil {
		return nil, fmt.Errorf("read numbers: %w", err)
	}
	return table, nil
}

// report matches a table with the exam as it stands.
func (s *Frdo) report(ctx context.Context, by Actor, examID int64, table *numberTable) (*NumbersReport, error) {
	v, err := s.exams.View(ctx, by, examID)
	if err != nil {
		return nil, err
	}
	if !v.Staff {
		return nil, refuse(Forbidden, ReasonForbidden)
	}
	list, err := s.store.Applications(ctx, examID)
	if err != nil {
		return nil, fmt.Errorf("applications of exam %d: %w", examID, err)
	}
	r, err := matched(ctx, s.store, &v.Exam, v.Today, list, table)
	if err != nil {
		return nil, err
	}
	if err := s.nameHolders(ctx, by, r); err != nil {
		return nil, err
	}
	return r, s.lookElsewhere(ctx, by, &v.Exam, r)
}

// nameHolders tells which applications have the numbers that cannot be written, as
// far as the actor may see them.
func (s *Frdo) nameHolders(ctx context.Context, by Actor, r *NumbersReport) error {
	var numbers []string
	for i := range r.Rows {
		if r.Rows[i].Verdict == NumberTaken {
			numbers = append(numbers, r.Rows[i].Number)
		}
	}
	if len(numbers) == 0 || len(numbers) > sampleRows {
		return nil
	}
	taken, err := s.store.NumbersTaken(ctx, numbers)
	if err != nil {
		return fmt.Errorf("holders of numbers: %w", err)
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		id := taken[row.Number]
		if row.Verdict != NumberTaken || id == 0 {
			continue
		}
		a, err := s.store.Application(ctx, by, id)
		if err != nil && AsError(err).Kind != NotFound {
			return fmt.Errorf("application %d: %w", id, err)
		}
		if err == nil {
			row.Holder, row.HolderTyped = a.Number, a.NumberTyped
		}
	}
	return nil
}

// matched holds a table against an exam.
func matched(ctx context.Context, q Queries, e *Exam, today Day, list []Application, table *numberTable) (*NumbersReport, error) {
	var numbers []string
	for i := range table.Rows {
		if r := &table.Rows[i]; r.Fault == "" {
			numbers = append(numbers, r.Number)
		}
	}
	taken, err := q.NumbersTaken(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("numbers of exam %d: %w", e.ID, err)
	}
	rows := matchNumbers(table.Rows, numberScene{heldOn: e.HeldOn, today: today, all: list, taken: taken})
	r := newNumbersReport(e.Number, rows, list)
	r.First = table.First
	return r, nil
}

const (
	// otherExams are the newest exams of the center among which the right one is
	// looked for when a table is for another.
	otherExams = 200
	// sampleRows of a table are enough to tell which exam it is for.
	sampleRows = 200
)

// lookElsewhere names the exam that most rows are about, when they are about
// nobody of this one.
func (s *Frdo) lookElsewhere(ctx context.Context, by Actor, e *Exam, r *NumbersReport) error {
	if 2*r.Count(string(NumberNotHere)) <= len(r.Rows) {
		return nil
	}
	others, err := s.store.CenterApplications(ctx, e.CenterID, e.ID, otherExams)
	if err != nil {
		return fmt.Errorf("other exams of center %d: %w", e.CenterID, err)
	}
	id := byElsewhere(r.Rows[:min(len(r.Rows), sampleRows)], others)
	if id == 0 {
		return nil
	}
	other, err := s.store.Exam(ctx, by, id)
	if err != nil {
		return fmt.Errorf("exam %d: %w", id, err)
	}
	r.Elsewhere = other.Number
	return nil
}

// NumbersInput says which report a person wants carried out.
type NumbersInput struct {
	ExamID   int64
	UploadID int64
	Digest   int64 // of the report that the person was looking at
	UpdateID int64 // of the chat
}

// Generate gives every matched application of the report its number, date of
// issue and term, and has their certificates printed, all of it or nothing. The
// rows are matched anew against the state as it is: when that gives another
// report than the person was looking at, Generate returns a Conflict with the new
// one and changes nothing. Once the table was used it is a Conflict that tells
// what has happened to the exam. It refuses an exam that takes no numbers, and
// whatever keeps its certificates from being printed.
func (s *Frdo) Generate(ctx context.Context, by Actor, in NumbersInput) (*NumbersReport, error) {
	var out *NumbersReport
	err := s.inReport(ctx, by, in, func(ctx context.Context, sc *examScene, list []Application, report *NumbersReport) error {
		out = report
		if report.Matched == 0 {
			return refuse(Invalid, ReasonFrdoNothing)
		}
		if _, err := useUpload(ctx, sc.tx, sc.by, in.UploadID, UploadNumbers, in.ExamID); err != nil {
			return err
		}
		return s.write(ctx, sc, list, report, in.UpdateID)
	})
	if err != nil {
		return nil, fmt.Errorf("generate certificates of exam %d: %w", in.ExamID, err)
	}
	return out, nil
}

// inReport runs fn with the applications of an exam, which are held, and the report
// of the actor's table, if that is the one that the person was looking at.
func (s *Frdo) inReport(
	ctx context.Context, by Actor, in NumbersInput, fn func(context.Context, *examScene, []Application, *NumbersReport) error,
) error {
	u, err := s.uploads.Current(ctx, by, UploadNumbers, in.ExamID)
	if err != nil {
		return err
	}
	if u == nil || u.ID != in.UploadID {
		return movedOn(ctx, s.store, by, SubjectExam, in.ExamID, nil)
	}
	if u.State != UploadAccepted {
		return refuse(Invalid, ReasonFrdoNoFile)
	}
	table, err := s.table(ctx, u)
	if err != nil {
		return err
	}
	return inExam(ctx, s.store, s.now, by, in.ExamID, func(ctx context.Context, sc *examScene) error {
		list, err := sc.tx.ApplicationsForUpdate(ctx, in.ExamID, nil)
		if err != nil {
			return err
		}
		report, err := matched(ctx, sc.tx, sc.exam, sc.today, list, table)
		if err != nil {
			return err
		}
		if report.Digest != in.Digest {
			return refuseWith(Conflict, ReasonFrdoChanged, report)
		}
		if err := takesNumbers(ctx, sc.tx, sc.by, sc.exam); err != nil {
			return err
		}
		return fn(ctx, sc, list, report)
	})
}

// write writes the matched rows of a report.
func (s *Frdo) write(ctx context.Context, sc *examScene, list []Application, report *NumbersReport, updateID int64) error {
	row := make(map[int64]*NumberRow, report.Matched)
	for i := range report.Rows {
		if r := &report.Rows[i]; r.Verdict == NumberMatched {
			row[r.Application] = r
		}
	}
	var changed []Application
	var steps []History
	for i := range list {
		a := &list[i]
		r, known := row[a.ID]
		if !known {
			continue
		}
		from := a.Status()
		a.RegistrationNumber, a.IssuedOn, a.ValidUntil = r.Number, r.IssuedOn, a.Level.ValidUntil(r.IssuedOn)
		a.Revision++
		steps = append(steps, History{
			Subject: SubjectApplication, SubjectID: a.ID, At: sc.now, PersonID: sc.by.PersonID,
			Event: ApplicationNumbered, FromStatus: string(from), ToStatus: string(a.Status()), Comment: r.Number,
		})
		changed = append(changed, *a)
	}
	if err := sc.tx.SaveApplications(ctx, changed); err != nil {
		return err
	}
	if err := sc.tx.AddHistories(ctx, steps); err != nil {
		return err
	}
	e, err := sc.tx.Exam(ctx, sc.by, sc.exam.ID)
	if err != nil {
		return err
	}
	err = sc.note(ctx, SubjectExam, e.ID, ExamGenerated, string(sc.exam.CertificateStatus), string(e.CertificateStatus), strconv.Itoa(len(changed)))
	if err != nil {
		return err
	}
	sc.exam = e
	_, err = s.certificates.orderPrinting(ctx, sc, changed, 0, updateID)
	return err
}
