package bot

import (
	"context"
	"slices"

	"flowbot/service"
)

// Buttons of printing. The ID is the exam's, unless said otherwise.
const (
	pressPrint     Action = "ctp" // «Распечатать сертификаты»
	pressPrintOne  Action = "cto" // ID is the application's
	pressPrintings Action = "ctl" // Version is the page
	pressPrintFile Action = "ctf" // ID is the printing's
	pressTrial     Action = "ctt" // «Пробная печать»; ID is the center's
)

func (b *Bot) certificateActions() []action {
	return []action{
		{pressPrint, "print", b.printPressed},
		{pressPrintOne, "print_one", b.printOnePressed},
		{pressPrintings, "printings", b.printingsPressed},
		{pressPrintFile, "print_file", b.printFilePressed},
		{pressTrial, "trial", b.trialPressed},
	}
}

// certificateTalks are the conversations of this subject.
func certificateTalks() []talk { return []talk{choosePrint} }

// certificateNotices are the notices of this subject.
func (b *Bot) certificateNotices() map[string]notice {
	return map[string]notice{
		service.CertificatesNotice{}.NoticeKind(): {each(b.renderCertificates), false},
	}
}

// certificateExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) certificateExamRows(_ *Turn, v *service.ExamView) [][]Button {
	var out [][]Button
	if v.Exam.Numbered > 0 {
		list := Button{Press: Press{pressPrintings, v.Exam.ID, 0}}
		if v.Staff {
			out = append(out, row(Button{Press: Press{pressPrint, v.Exam.ID, 0}}))
		}
		out = append(out, row(list))
	}
	if v.Staff && v.Exam.Successful > 0 && v.Center.BlankProfile != "" {
		trial := Button{Press: Press{Do: pressTrial, ID: v.Org.ID}}
		if out == nil {
			return [][]Button{row(trial)}
		}
		out[len(out)-1] = append(out[len(out)-1], trial)
	}
	return out
}

// certificateApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) certificateApplicationRows(_ *Turn, v *service.ApplicationView) [][]Button {
	if !v.Staff || v.Application.RegistrationNumber == "" {
		return nil
	}
	return [][]Button{row(Button{Press: Press{pressPrintOne, v.Application.ID, 0}})}
}

// printForm is what must be known before certificates are printed.
type printForm struct {
	ExamID int64
	Exam   string // number
	Chosen []int64
	// Printed is how often the chosen were printed before, in all, by what the
	// last step shows.
	Printed int
	Page    int
}

// choosePrint is the conversation that prints certificates: all that have their
// number, a range of the list, or those that are marked one by one.
var choosePrint = Wizard[printForm]{
	Name: "print",
	Steps: []Step[printForm]{
		{Name: "choose", Ask: askPrint, Take: takePrint},
		{Name: "check", Ask: askPrintNow, Take: takeDone[printForm]},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *printForm) (Reply, error) {
		p, err := b.Certificates.Order(ctx, t.By, service.PrintInput{
			ExamID: f.ExamID, Applications: f.Chosen, Printed: f.Printed, UpdateID: t.UpdateID,
		})
		if err != nil {
			return Reply{}, err
		}
		return Reply{Text: "print_ordered", Data: printOrdered{f.Exam, len(p.Applications)}, Edit: true, Rows: examRows(f.ExamID, f.Exam)}, nil
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *printForm) (Reply, error) {
		return b.examCard(ctx, t, f.ExamID)
	},
}

// printOrdered is what is said once a printing is ordered.
type printOrdered struct {
	Exam  string
	Pages int
}

// examRows lead to an exam and to the menu.
func examRows(id int64, number string) [][]Button {
	return [][]Button{row(Button{Press: Press{pressExam, id, 0}, Args: number}, Button{Press: Press{Do: pressMenu}})}
}

// printView is what the list of certificates to print shows.
type printView struct {
	printForm
	Total   int
	Printed int // of them, printed before
	Pages   int
}

func askPrint(ctx context.Context, b *Bot, t *Turn, f *printForm) (Reply, error) {
	v, err := b.Certificates.Printable(ctx, t.By, f.ExamID)
	if err != nil {
		return Reply{}, err
	}
	pages := pagesOf(len(v.Items))
	f.Page = min(f.Page, pages-1)
	shown := printView{printForm: *f, Total: len(v.Items), Pages: pages}
	for _, i := range v.Items {
		if i.Printed > 0 {
			shown.Printed++
		}
	}
	r := Reply{Text: "print_choose", Card: true, Data: shown}
	for _, i := range v.Items[f.Page*pageSize : min(len(v.Items), (f.Page+1)*pageSize)] {
		r.Rows = append(r.Rows, row(Button{
			Label: "print_item", Press: t.inTalk(pressPick, i.Application.ID),
			Args: map[string]any{"On": slices.Contains(f.Chosen, i.Application.ID), "Item": i},
		}))
	}
	r.Rows = append(r.Rows, turnPages(f.Page, f.Page+1 < pages, func(p int) Press { return t.inTalk(pressPage, int64(p)) })...)
	r.Rows = append(r.Rows,
		row(Button{Press: t.inTalk(pressAll, 0)}, Button{Press: t.inTalk(pressNone, 0)}),
		row(Button{Press: t.inTalk(pressDone, 0)}, Button{Press: t.inTalk(pressCancel, 0)}))
	return r, nil
}

func takePrint(ctx context.Context, b *Bot, t *Turn, f *printForm) (Outcome, error) {
	v, err := b.Certificates.Printable(ctx, t.By, f.ExamID)
	if err != nil {
		return stay, err
	}
	if t.Press == nil {
		return takeRange(t, v, f)
	}
	switch t.Press.Do {
	case pressPick:
		if i := slices.Index(f.Chosen, t.Press.ID); i >= 0 {
			f.Chosen = slices.Delete(f.Chosen, i, i+1)
		} else if slices.ContainsFunc(v.Items, func(i service.PrintItem) bool { return i.Application.ID == t.Press.ID }) {
			f.Chosen = append(f.Chosen, t.Press.ID)
		}
	case pressPage:
		f.Page = pageOf(t.Press.ID)
	case pressAll:
		f.Chosen = allToPrint(v)
	case pressNone:
		f.Chosen = nil
	case pressDone:
		if len(f.Chosen) == 0 {
			return stay, &service.Error{Kind: service.Invalid, Reason: service.ReasonNoneChosen}
		}
		f.Printed = timesPrinted(v, f.Chosen)
		return next, nil
	default:
		return stay, unexpected(t)
	}
	return stay, nil
}

// takeRange reads which of the list are printed: «3–17», «1, 4, 7–9».
func takeRange(t *Turn, v *service.PrintView, f *printForm) (Outcome, error) {
	if t.Text == "" || t.Command != "" || t.File != nil || t.Other != "" {
		return stay, unexpected(t)
	}
	ordinals, err := service.ParseOrdinals(t.Text, len(v.Items))
	if err != nil {
		return stay, err
	}
	f.Chosen, f.Page = nil, (ordinals[0]-1)/pageSize
	for _, n := range ordinals {
		f.Chosen = append(f.Chosen, v.Items[n-1].Application.ID)
	}
	return stay, nil
}

// timesPrinted is how often some of a list were printed before, in all.
func timesPrinted(v *service.PrintView, chosen []int64) int {
	n := 0
	for _, i := range v.Items {
		if slices.Contains(chosen, i.Application.ID) {
			n += i.Printed
		}
	}
	return n
}

func allToPrint(v *service.PrintView) []int64 {
	var out []int64
	for _, i := range v.Items {
		out = append(out, i.Application.ID)
	}
	return out
}

// printCheck is what is asked before a printing is ordered.
type printCheck struct {
	Exam   string
	Count  int
	Again  []service.PrintItem // those that were printed before
	Device printerView
}

func askPrintNow(ctx context.Context, b *Bot, t *Turn, f *printForm) (Reply, error) {
	v, err := b.Certificates.Printable(ctx, t.By, f.ExamID)
	if err != nil {
		return Reply{}, err
	}
	shown := printCheck{Exam: f.Exam, Device: printerOf(v.Printer)}
	for _, i := range v.Items {
		if !slices.Contains(f.Chosen, i.Application.ID) {
			continue
		}
		shown.Count++
		if i.Printed > 0 {
			shown.Again = append(shown.Again, i)
		}
	}
	return Reply{Text: "print_check", Card: true, Data: shown, Rows: [][]Button{
		row(Button{Label: "print_now", Args: shown.Count, Press: t.inTalk(pressDone, sure)}),
		row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}),
	}}, nil
}

// printPressed opens the choice of certificates with all of them chosen.
func (b *Bot) printPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, dueExams, pressPrint)
	}
	e, err := b.Exams.View(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	v, err := b.Certificates.Printable(ctx, t.By, e.Exam.ID)
	if err != nil {
		return leadToExam(t, &e.Exam, err)
	}
	return edited(b.begin(ctx, t, choosePrint, printForm{ExamID: v.Exam.ID, Exam: v.Exam.Number, Chosen: allToPrint(v)}))
}

// printOnePressed asks whether to print the certificate of one application.
func (b *Bot) printOnePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		t.Press.Do = pressPrint
		return b.printPressed(ctx, t)
	}
	a, err := b.Exams.Application(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	v, err := b.Certificates.Printable(ctx, t.By, a.Exam.ID)
	if err != nil {
		return Reply{}, err
	}
	if !slices.Contains(allToPrint(v), a.Application.ID) {
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonNotPrintable, Data: []string{a.Application.Number}}
	}
	chosen := []int64{a.Application.ID}
	return edited(b.beginAt(ctx, t, choosePrint, "check", printForm{
		ExamID: v.Exam.ID, Exam: v.Exam.Number, Chosen: chosen, Printed: timesPrinted(v, chosen),
	}))
}

// printedView is what the message with printed certificates says.
type printedView struct {
	*service.PrintingView
	Device printerView
	Parts  int
	Again  bool // the files are given out once more
}

// renderCertificates brings printed certificates, or why there are none, to
// whoever ordered them.
func (b *Bot) renderCertificates(ctx context.Context, to service.Actor, n service.CertificatesNotice) (letter, error) {
	v, docs, err := b.Certificates.Documents(ctx, to, n.PrintingID)
	if e := service.AsError(err); err != nil && e.Reason == service.ReasonPrintFault {
		return letter{Reply: Reply{Text: "certificates_fault", Data: v, Rows: append([][]Button{faultRow(*v.Fault)}, examRows(v.Exam.ID, v.Exam.Number)...)}}, nil
	} else if err != nil && e.Kind == service.Forbidden { // they work elsewhere now
		return letter{Skip: true}, nil
	}
	if err != nil {
		return gone(err)
	}
	r, err := b.printed(v, docs, false)
	return letter{Reply: r}, err
}

// printed is the message with the files of a printing; the last one carries the
// words.
func (b *Bot) printed(v *service.PrintingView, docs []service.Document, again bool) (Reply, error) {
	r := Reply{
		Text: "certificates_printed",
		Data: printedView{v, offsetsOf(v.Form.PrinterName, v.Form.RightBy, v.Form.DownBy), len(docs), again},
		Rows: examRows(v.Exam.ID, v.Exam.Number),
	}
	for i, d := range docs {
		name, err := b.text.Label("file_certificates", printedPart{d.Name, v.Number, i + 1, len(docs)})
		if err != nil {
			return Reply{}, err
		}
		made := Attachment{Name: name, Size: d.Size, Open: d.Open}
		if i+1 == len(docs) {
			r.Document = &made
		} else {
			r.Files = append(r.Files, made)
		}
	}
	return r, nil
}

// printedPart names one file of a printing.
type printedPart struct {
	Exam      string
	Printing  int
	Part, All int
}

// printingsView is what the list of an exam's printings says.
type printingsView struct {
	Exam  service.Exam
	Items []service.Printing
	Zone  string
	Page  int
}

// printingsPressed lists who has printed what of an exam.
func (b *Bot) printingsPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressPrintings)
	}
	page := pageOf(int64(t.Press.Version))
	if t.typed {
		page = 0 // the version is the exam's revision
	}
	e, list, err := b.Certificates.Printings(ctx, t.By, t.Press.ID, page*pageSize, pageSize+1)
	if err != nil {
		return Reply{}, err
	}
	shown := list[:min(len(list), pageSize)]
	r := Reply{Text: "printings", Edit: true, Data: printingsView{*e, shown, t.By.Zone, page}}
	if t.By.In(service.RoleCenterStaff, e.CenterID) {
		for _, p := range shown {
			if len(p.Parts) > 0 {
				r.Rows = append(r.Rows, row(Button{Args: p.Number, Press: Press{pressPrintFile, p.ID, 0}}))
			}
		}
	}
	r.Rows = append(r.Rows, turnPages(page, len(list) > pageSize, func(p int) Press { return Press{pressPrintings, e.ID, p} })...)
	r.Rows = append(r.Rows, examRows(e.ID, e.Number)...)
	return r, nil
}

// printFilePressed gives the files of a printing out once more.
func (b *Bot) printFilePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressPrintings)
	}
	v, docs, err := b.Certificates.Download(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	return b.printed(v, docs, true)
}

// trialView is what the message with a trial page says.
type trialView struct {
	*service.TrialView
	Device printerView
}

// trialPressed sends the trial page of a center.
func (b *Bot) trialPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressTrial)
	}
	v, doc, err := b.Certificates.Trial(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	name, err := b.text.Label("file_trial", doc.Name)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{
		Text: "trial", Data: trialView{v, printerOf(v.Printer)}, Document: &Attachment{Name: name, Size: doc.Size, Open: doc.Open},
	}
	if v.Printer != nil {
		r.Rows = append(r.Rows, row(Button{Label: "printer_offsets", Press: Press{Do: pressPrinter, ID: v.Printer.ID}}))
	} else {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressPrinterAdd, ID: v.Org.ID}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressCenter, ID: v.Org.ID}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}
