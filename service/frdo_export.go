package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// The bounds of one file for ФИС ФРДО. Source: the domain, section 3.1; a KB is
// taken as 1000 bytes, the smaller of its two meanings.
const (
	frdoRows  = 100
	frdoBytes = 200_000
)

// The words of the template that ФИС ФРДО takes. Source: the domain, section 3.1.
const (
	frdoSheet   = "Шаблон"
	frdoMerged  = "M1:N1"
	frdoOnBlank = wordYes
)

// frdoHeads are the first two rows of the template.
var frdoHeads = [][]string{
	{
		"ФАМИЛИЯ", "ИМЯ", "ОТЧЕСТВО", "ДАТА РОЖДЕНИЯ", "ГОД ВЫПУСКА", "ТИП СЕРТИФИКАТА",
		"ФАМИЛИЯ НА ЛАТИНИЦЕ", "ИМЯ НА ЛАТИНИЦЕ", "ОТЧЕСТВО НА ЛАТИНИЦЕ",
		"Серия и номер документа, удостоверяющего личность", "Гражданство", "На бланке",
		"Сведения о сертификате [ Наименование | Содержание ]", "", "ПОДПИСИ",
	},
	{
		"", "", "", "", "", "", "", "", "", "", "", "",
		"Адрес места проведения экзамена", "Адрес места выдачи сертификата", "Руководитель образовательной организации",
	},
}

// frdoWidths are the widths of the columns, in characters.
var frdoWidths = []float64{20, 16, 20, 16, 14, 40, 20, 16, 20, 24, 14, 12, 40, 40, 32}

// frdoType is ТИП СЕРТИФИКАТА by level, behind the words that all share.
const frdoType = "Сертификат о владении русским языком, знании истории России и основ законодательства Российской Федерации" +
	" на уровне, соответствующем цели получения "

var frdoPurpose = map[Level]string{
	LevelTemporary: "разрешения на временное проживание",
	LevelPermanent: "вида на жительство",
	LevelPatent:    "разрешения на работу или патента",
}

// FrdoField names what a row of the export cannot do without.
type FrdoField string

// The fields.
const (
	FrdoIssueAddress     FrdoField = "issue_address"     // of the center
	FrdoSignatory        FrdoField = "signatory"         // of the center: the full name
	FrdoExamAddress      FrdoField = "exam_address"      // of the exam
	FrdoLastNameLatin    FrdoField = "last_name_latin"   // of an application, as all below
	FrdoFirstNameLatin   FrdoField = "first_name_latin"  //
	FrdoIdentityDocument FrdoField = "identity_document" //
	FrdoCitizenship      FrdoField = "citizenship"       //
)

// FrdoLack is the Data of ReasonFrdoIncomplete: what must be filled in before
// the exam can be exported.
type FrdoLack struct {
	ExamID       int64
	ExamNumber   string
	CenterID     int64       // Org
	Center       []FrdoField // of the center
	Exam         []FrdoField // of the exam
	Applications []FrdoGap   // by name
}

// FrdoGap is an application with what it lacks.
type FrdoGap struct {
	Number string
	Fields []FrdoField
}

// ExportFrdo is the job that writes an exam's files for ФИС ФРДО.
type ExportFrdo struct {
	ExamID   int64 `json:"exam_id"`
	All      bool  `json:"all"` // those who have their number, too
	PersonID int64 `json:"person_id"`
	UpdateID int64 `json:"update_id"` // that asked for it
}

// Kind names the job.
func (ExportFrdo) Kind() string { return "export_frdo" }

// JobOptions bound the tries: a person waits for the answer.
func (ExportFrdo) JobOptions() JobOptions { return JobOptions{MaxAttempts: 5} }

// FrdoNotice brings the files for ФИС ФРДО to whoever asked for them.
type FrdoNotice struct {
	ExamID int64    `json:"exam_id"`
	All    bool     `json:"all"`
	Rows   int      `json:"rows"`
	Parts  []string `json:"parts"` // SHA-256 of each, in order; none: it can no longer be exported
}

// NoticeKind names the notice.
func (FrdoNotice) NoticeKind() string { return "frdo" }

// NoticeLane is the lane of answers.
func (FrdoNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps every one.
func (FrdoNotice) NoticeKey() string { return "" }

// ExamExported is the event of an exam's history that an export writes; the
// comment is the number of rows.
const ExamExported = "export_frdo"

// Export asks a worker to write the exam's files for ФИС ФРДО: those who are
// entitled to a certificate and have no number yet or, with all, every entitled
// one. What lacks something that the template demands is Invalid with the list
// of it, see FrdoLack.
func (s *Frdo) Export(ctx context.Context, by Actor, examID int64, all bool, updateID int64) error {
	if _, err := s.exported(ctx, by, examID, all); err != nil {
		return err
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.InsertJob(ctx, ExportFrdo{ExamID: examID, All: all, PersonID: by.PersonID, UpdateID: updateID})
	})
	if err != nil {
		return fmt.Errorf("order export of exam %d: %w", examID, err)
	}
	return nil
}

// WhyNoExport is the refusal that Export would meet now, or nil.
func (s *Frdo) WhyNoExport(ctx context.Context, by Actor, examID int64, all bool) error {
	_, err := s.exported(ctx, by, examID, all)
	return err
}

// exported are the rows of an export below the headers, or why there are none.
func (s *Frdo) exported(ctx context.Context, by Actor, examID int64, all bool) ([][]string, error) {
	v, err := s.exams.View(ctx, by, examID)
	if err != nil {
		return nil, err
	}
	if err := isStaffOf(by, v.Exam.CenterID); err != nil {
		return nil, err
	}
	list, err := s.store.Applications(ctx, examID)
	if err != nil {
		return nil, fmt.Errorf("applications of exam %d: %w", examID, err)
	}
	rows, lack := frdoTable(v, list, all)
	switch {
	case len(rows) == 0:
		return nil, refuseWith(Invalid, ReasonFrdoNobody, v.Exam.Successful == 0)
	case len(lack.Center)+len(lack.Exam)+len(lack.Applications) > 0:
		return nil, refuseWith(Invalid, ReasonFrdoIncomplete, lack)
	}
	return rows, nil
}

// frdoTable makes the rows of an export and tells what they lack.
func frdoTable(v *ExamView, list []Application, all bool) (rows [][]string, lack FrdoLack) {
	lack.ExamID, lack.ExamNumber, lack.CenterID = v.Exam.ID, v.Exam.Number, v.Exam.CenterID
	lack.Center = absent(field{FrdoIssueAddress, v.Center.IssueAddress}, field{FrdoSignatory, v.Center.SignatoryName})
	lack.Exam = absent(field{FrdoExamAddress, v.Exam.Address})
	for i := range list {
		a := &list[i]
		if !a.Entitled() || a.RegistrationNumber != "" && !all {
			continue
		}
		gaps := absent(field{FrdoLastNameLatin, a.LastNameLatin}, field{FrdoFirstNameLatin, a.FirstNameLatin},
			field{FrdoIdentityDocument, a.IdentityDocument}, field{FrdoCitizenship, a.Citizenship})
		if gaps != nil {
			lack.Applications = append(lack.Applications, FrdoGap{a.Number, gaps})
		}
		rows = append(rows, frdoRow(v, a))
	}
	return rows, lack
}

// field is a value that must not be empty.
type field struct {
	name  FrdoField
	value string
}

func absent(fields ...field) []FrdoField {
	var out []FrdoField
	for _, f := range fields {
		if strings.TrimSpace(f.value) == "" {
			out = append(out, f.name)
		}
	}
	return out
}

func frdoRow(v *ExamView, a *Application) []string {
	capitals := func(s string) string { return strings.ToUpper(joined(s)) }
	return []string{
		capitals(a.LastName), capitals(a.FirstName), capitals(a.MiddleName),
		a.BornOn.Russian(), strconv.Itoa(v.Exam.HeldOn.Year), frdoType + frdoPurpose[a.Level],
		capitals(a.LastNameLatin), capitals(a.FirstNameLatin), capitals(a.MiddleNameLatin),
		joined(a.IdentityDocument), capitals(a.Citizenship), frdoOnBlank,
		joined(v.Exam.Address), joined(v.Center.IssueAddress), joined(v.Center.SignatoryName),
	}
}

// WriteExport is the job ExportFrdo. Who asked must still work in the center.
func (s *Frdo) WriteExport(ctx context.Context, j ExportFrdo) error {
	by, err := s.store.ActorByID(ctx, j.PersonID)
	if err == nil {
		err = s.writeExport(ctx, by, j)
	}
	switch {
	case err == nil:
		return nil
	case AsError(err).Kind == NotFound || AsError(err).Kind == Forbidden:
		return nil // rights ended meanwhile
	}
	return fmt.Errorf("export of exam %d: %w", j.ExamID, err)
}

func (s *Frdo) writeExport(ctx context.Context, by Actor, j ExportFrdo) error {
	rows, err := s.exported(ctx, by, j.ExamID, j.All)
	if err != nil && AsError(err).Kind != Invalid {
		return err
	}
	notice := FrdoNotice{ExamID: j.ExamID, All: j.All, Rows: len(rows)}
	parts, err := s.frdoParts(ctx, rows)
	if err != nil {
		return err
	}
	var stored []File
	for _, part := range parts {
		sha, size, err := s.files.Put(ctx, bytes.NewReader(part))
		if err != nil {
			return err
		}
		stored = append(stored, File{SHA256: sha, Size: size, Type: workbookType})
		notice.Parts = append(notice.Parts, sha)
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, f := range stored {
			if err := tx.SaveFile(ctx, f); err != nil {
				return err
			}
		}
		if len(stored) > 0 {
			err := tx.AddHistory(ctx, History{
				Subject: SubjectExam, SubjectID: j.ExamID, At: s.now().UTC(), PersonID: by.PersonID,
				Event: ExamExported, Comment: strconv.Itoa(len(rows)),
			})
			if err != nil {
				return err
			}
		}
		if err := tx.Enqueue(ctx, by.PersonID, notice, time.Time{}); err != nil {
			return err
		}
		return tx.JobDone(ctx, j) // else a crash would bring the files twice
	})
}

// frdoParts writes rows into files that each keep to the bounds.
func (s *Frdo) frdoParts(ctx context.Context, rows [][]string) ([][]byte, error) {
	var parts [][]byte
	for n := min(len(rows), frdoRows); len(rows) > 0; n = min(len(rows), frdoRows) {
		part, err := s.frdoFile(ctx, rows[:n])
		for err == nil && len(part) > frdoBytes && n > 1 {
			n /= 2
			part, err = s.frdoFile(ctx, rows[:n])
		}
		if err != nil {
			return nil, fmt.Errorf("write part %d: %w", len(parts)+1, err)
		}
		parts, rows = append(parts, part), rows[n:]
	}
	return parts, nil
}

func (s *Frdo) frdoFile(ctx context.Context, rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	err := s.book.Table(ctx, SheetTable{
		Name: frdoSheet, Heads: len(frdoHeads), Widths: frdoWidths, Merged: []string{frdoMerged},
		Rows: append(append([][]string(nil), frdoHeads...), rows...),
	}, &b)
	return b.Bytes(), err
}

// GiveUpExport tells whoever waits for an export that it could not be written.
func (s *Frdo) GiveUpExport(ctx context.Context, j ExportFrdo) error {
	return giveUp(ctx, s.store, j.PersonID, FailedNotice{Job: j.Kind()})
}

// Exported returns the files of an export, named by the exam's number, for the
// staff of its center, and the exam.
func (s *Frdo) Exported(ctx context.Context, by Actor, n FrdoNotice) (*ExamView, []Document, error) {
	v, err := s.exams.View(ctx, by, n.ExamID)
	if err != nil {
		return nil, nil, err
	}
	if !v.Staff {
		return nil, nil, refuse(NotFound, ReasonNotFound)
	}
	var out []Document
	for _, sha := range n.Parts {
		f, err := s.store.File(ctx, sha)
		if err != nil {
			return nil, nil, fmt.Errorf("export of exam %d: %w", n.ExamID, err)
		}
		out = append(out, Document{
			Name: fileName(v.Exam.Number), SHA256: f.SHA256, Size: f.Size,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return s.files.Open(ctx, sha) },
		})
	}
	return v, out, nil
}
