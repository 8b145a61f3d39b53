package bot

import (
	"context"

	"flowbot/service"
)

// Buttons of the exchange with ФИС ФРДО. The ID is the exam's, unless said
// otherwise.
const (
	pressExport    Action = "fre" // «Выгрузить для ФИС ФРДО»
	pressExportAll Action = "fra" // those who have their number, too
	pressNumbers   Action = "fri" // «Импортировать сертификаты»
	pressGenerated Action = "frg" // «Сгенерировать»; in a conversation, ID is the digest of the report

	// Inside the conversation; ID is the digest of the report.
	pressReconcile    Action = "frt" // «Сверить введённые вручную»
	pressReconcileYes Action = "fry"
)

func (b *Bot) frdoActions() []action {
	return []action{
		{pressExport, "frdo_export", b.exportPressed(pressExport)},
		{pressExportAll, "frdo_export_all", b.exportPressed(pressExportAll)},
		{pressNumbers, "frdo_import", b.numbersPressed},
		{pressGenerated, "frdo_generate", b.generateNumbersPressed},
		{pressReconcile, "frdo_reconcile", b.resume},
		{pressReconcileYes, "frdo_reconcile_yes", b.resume},
	}
}

// frdoTalks are the conversations of this subject.
func frdoTalks() []talk { return []talk{importNumbers} }

// frdoNotices are the notices of this subject.
func (b *Bot) frdoNotices() map[string]notice {
	return map[string]notice{
		service.FrdoNotice{}.NoticeKind():    {each(b.renderExport), false},
		service.NumbersNotice{}.NoticeKind(): {each(b.renderNumbers), true},
	}
}

// frdoExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) frdoExamRows(_ *Turn, v *service.ExamView) [][]Button {
	var out [][]Button
	if v.Staff && v.Exam.Successful > 0 {
		out = append(out, row(Button{Press: Press{pressExport, v.Exam.ID, 0}}))
	}
	if v.Staff && v.TakesNumbers() {
		out = append(out, row(Button{Press: Press{pressNumbers, v.Exam.ID, 0}}))
	}
	return out
}

// dueExams finds the exams in which somebody is due a certificate.
var dueExams = service.ExamFilter{Certificates: []service.CertificateStatus{
	service.CertificatesToGenerate, service.CertificatesToLoad, service.CertificatesPartlyLoaded, service.CertificatesLoaded,
}}

// exportPressed has the files of an exam for ФИС ФРДО written. They come as a
// message of their own.
func (b *Bot) exportPressed(do Action) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 {
			return b.chooseExam(ctx, t, dueExams, do)
		}
		all := do == pressExportAll
		err := b.Frdo.Export(ctx, t.By, t.Press.ID, all, t.UpdateID)
		if service.ReasonOf(err) == service.ReasonFrdoNobody && !all {
			return b.nobodyToExport(ctx, t, t.Press.ID, service.AsError(err))
		}
		switch {
		case err != nil:
			return Reply{}, err
		case t.Again: // the files may have come before
			return Reply{}, nil
		case t.typed:
			return Reply{Text: "frdo_ordered"}, nil
		}
		return Reply{Toast: "frdo_ordered"}, nil
	}
}

// leadToExam says why something typed is refused, with the way to the exam, where
// what is missing is done. A button that was pressed stands there already.
func leadToExam(t *Turn, exam *service.Exam, why error) (Reply, error) {
	e := service.AsError(why)
	if !t.typed || e.Kind != service.Invalid && e.Kind != service.Conflict || refusalRows(e) != nil {
		return Reply{}, why
	}
	return Reply{Text: string(e.Reason), Data: e.Data, Rows: examRows(exam.ID, exam.Number)}, nil
}

// nobodyToExport says why nobody is exported, and offers to export those who have
// the number already.
func (b *Bot) nobodyToExport(ctx context.Context, t *Turn, examID int64, why *service.Error) (Reply, error) {
	v, err := b.Exams.View(ctx, t.By, examID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: string(why.Reason), Data: why.Data}
	if v.Exam.Successful > 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressExportAll, examID, 0}, Args: v.Exam.Successful}))
	}
	r.Rows = append(r.Rows, examRows(v.Exam.ID, v.Exam.Number)...)
	return r, nil
}

// exportView is what the message with an export says.
type exportView struct {
	Exam  service.Exam
	Rows  int
	All   bool
	Parts int
}

// exportPart names one file of an export.
type exportPart struct {
	Exam      string
	Part, All int
}

// renderExport brings the files for ФИС ФРДО, or says why there are none any
// more.
func (b *Bot) renderExport(ctx context.Context, to service.Actor, n service.FrdoNotice) (letter, error) {
	v, parts, err := b.Frdo.Exported(ctx, to, n)
	if err != nil {
		return gone(err)
	}
	foot := examRows(v.Exam.ID, v.Exam.Number)
	if len(parts) == 0 {
		l := letter{Reply: Reply{Text: "frdo_again", Data: v.Exam, Rows: foot}}
		if why := b.Frdo.WhyNoExport(ctx, to, n.ExamID, n.All); why != nil {
			e := service.AsError(why)
			if e.Kind == service.Internal {
				return letter{}, why
			}
			l.Text, l.Data = string(e.Reason), e.Data
		}
		return l, nil
	}
	l := letter{Reply: Reply{Text: "frdo_export", Data: exportView{v.Exam, n.Rows, n.All, len(parts)}}}
	if v.Exam.CertificateStatus == service.CertificatesToGenerate {
		l.Rows = append(l.Rows, row(Button{Press: Press{pressNumbers, v.Exam.ID, 0}}))
	}
	if !n.All && v.Exam.Successful > n.Rows {
		l.Rows = append(l.Rows, row(Button{Press: Press{pressExportAll, v.Exam.ID, 0}, Args: v.Exam.Successful}))
	}
	l.Rows = append(l.Rows, foot...)
	for i, p := range parts {
		name, err := b.text.Label("file_frdo", exportPart{p.Name, i + 1, len(parts)})
		if err != nil {
			return letter{}, err
		}
		made := Attachment{Name: name, Size: p.Size, Open: p.Open}
		if i+1 == len(parts) { // the last one carries the words
			l.Document = &made
		} else {
			l.Files = append(l.Files, made)
		}
	}
	return l, nil
}

// numbersForm is what must be known before certificates are generated. The table
// lies beside it as an upload.
type numbersForm struct {
	fileForm
	ExamID int64
	Exam   string // number
	Shown  int64  // digest of the report that took the place of the first one, 0 for none

	Written    int
	Remaining  int
	Reconciled *reconciled
	Report     *service.NumbersReport `json:"-"`
}

// importNumbers takes the table with the registration numbers, shows what would
// be done, and does it.
var importNumbers = Wizard[numbersForm]{
	Name: "frdo_numbers",
	Steps: []Step[numbersForm]{
		numbersStep(),
		{Name: "typed", Ask: askReconcile, Take: takeReconcile},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *numbersForm) (Reply, error) {
		if f.Reconciled != nil {
			return b.reconciledCard(ctx, t, f)
		}
		r, err := edited(b.examCard(ctx, t, f.ExamID))
		r.Lead, r.LeadData = "frdo_generated", f
		return r, err
	},
}

// numbersStep is what all begins with: the report stands on the card of the file.
func numbersStep() Step[numbersForm] {
	s := fileStep[numbersForm]{
		Purpose: service.UploadNumbers,
		Subject: func(f *numbersForm) int64 { return f.ExamID },
		Form:    func(f *numbersForm) *fileForm { return &f.fileForm },
		Ask:     "frdo_numbers",
		Rows:    numbersRows,
		Press:   takeGenerate,
	}.step("file")
	take := s.Take
	s.Take = func(ctx context.Context, b *Bot, t *Turn, f *numbersForm) (Outcome, error) {
		if t.Press != nil && t.Press.Do == pressDone { // the report is read before anything is written
			return stay, unexpected(t)
		}
		return take(ctx, b, t, f)
	}
	return s
}

// numbersRows shows the report and offers what can be generated.
func numbersRows(ctx context.Context, b *Bot, t *Turn, f *numbersForm, u *service.Upload) ([][]Button, error) {
	var err error
	if f.Report, err = b.Frdo.Report(ctx, t.By, u); err != nil {
		return nil, err
	}
	var out [][]Button
	if n := f.Report.Matched; n > 0 {
		out = append(out, row(Button{Press: t.inTalk(pressGenerated, f.Report.Digest), Args: n}))
	}
	if n := f.Report.Reconcilable(); n > 0 {
		out = append(out, row(Button{Press: t.inTalk(pressReconcile, f.Report.Digest), Args: n}))
	}
	return out, nil
}

// takeGenerate generates when the report that the person was looking at still
// holds; else it shows the new one.
func takeGenerate(ctx context.Context, b *Bot, t *Turn, f *numbersForm, u *service.Upload) (Outcome, error) {
	switch {
	case t.Press != nil && t.Press.Do == pressReconcile && u != nil:
		return next, nil
	case t.Press == nil || t.Press.Do != pressGenerated:
		return stay, unexpected(t)
	}
	in := service.NumbersInput{ExamID: f.ExamID, Digest: t.Press.ID, UpdateID: t.UpdateID}
	switch {
	case u != nil:
		in.UploadID = u.ID
	case !t.Again: // else it is used, most likely by this very press
		return stay, &service.Error{Kind: service.Invalid, Reason: service.ReasonFrdoNoFile}
	}
	if t.typed && u != nil {
		if in.Digest = f.Shown; in.Digest == 0 {
			report, err := b.Frdo.Report(ctx, t.By, u)
			if err != nil {
				return stay, err
			}
			in.Digest = report.First
		}
	}
	done, err := b.Frdo.Generate(ctx, t.By, in)
	if err != nil {
		return b.reportChanged(ctx, t, f, err)
	}
	f.Written, f.Remaining = done.Matched, done.Remaining
	return finish, nil
}

// reportChanged goes back to the report when it is another one than the person was
// looking at, and ends the conversation when its table was used.
func (b *Bot) reportChanged(ctx context.Context, t *Turn, f *numbersForm, why error) (Outcome, error) {
	reason := service.ReasonOf(why)
	if reason == service.ReasonFrdoChanged {
		if report, ok := service.AsError(why).Data.(*service.NumbersReport); ok {
			f.Shown = report.Digest
		}
		f.Refused = service.ReasonFrdoChanged
		return goingTo("file"), nil
	}
	if reason == service.ReasonMovedOn {
		if err := b.leaveTalk(ctx, t); err != nil {
			return stay, err
		}
	}
	return stay, why
}

// numbersPressed opens the import of registration numbers into an exam.
func (b *Bot) numbersPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{Certificates: []service.CertificateStatus{service.CertificatesToGenerate}}, pressNumbers)
	}
	v, err := b.Exams.View(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if err := b.Frdo.WhyNoNumbers(ctx, t.By, t.Press.ID); err != nil {
		return leadToExam(t, &v.Exam, err)
	}
	return b.begin(ctx, t, importNumbers, numbersForm{
		fileForm: fileForm{LastIn: t.Message}, ExamID: v.Exam.ID, Exam: v.Exam.Number,
	})
}

// generateNumbersPressed is «Сгенерировать». Nothing is generated but from a
// table whose report has been seen.
func (b *Bot) generateNumbersPressed(ctx context.Context, t *Turn) (Reply, error) {
	d, err := b.drafts.Get(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	if t.typed && !t.Again && (d == nil || d.Kind != importNumbers.Name) {
		return Reply{}, &service.Error{Kind: service.Invalid, Reason: service.ReasonFrdoNoFile}
	}
	return b.resume(ctx, t)
}

// renderNumbers sends back the table that somebody has sent, with what would
// become of each row.
func (b *Bot) renderNumbers(ctx context.Context, to service.Actor, n service.NumbersNotice) (letter, error) {
	e, marked, err := b.Frdo.Marked(ctx, to, n)
	if err != nil {
		return gone(err)
	}
	name, err := b.text.Label("file_numbers", marked.Name)
	if err != nil {
		return letter{}, err
	}
	return letter{Reply: Reply{
		Text: "frdo_marked", Data: e, Document: &Attachment{Name: name, Size: marked.Size, Open: marked.Open},
	}}, nil
}
