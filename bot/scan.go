package bot

import (
	"cmp"
	"context"
	"time"

	"flowbot/service"
)

// Buttons of scans and handovers. The ID is the application's, with its revision,
// unless said otherwise.
const (
	pressLoad       Action = "scl" // «Загрузить сертификат»
	pressReplaceYes Action = "scr" // the loaded scan is to be replaced
	pressLoadOne    Action = "sce" // chooses whose; ID is the exam's, Version a page
	pressOldArchive Action = "sca" // «Загрузить архив сканов», under old cards: scans like any others; ID is the exam's
	pressScanFile   Action = "scf" // «Скачать скан»
	pressHandOver   Action = "sch" // «Отметить выдачу»
	pressHandAll    Action = "scw" // the same of an exam, whose the ID is
	pressHandOne    Action = "scz" // chooses whose; ID is the exam's, Version a page
	pressTakeBack   Action = "scu" // «Отменить отметку»

	// Inside conversations.
	pressIsRight Action = "scy" // what is known, or was typed, is right
	pressToday   Action = "sct"
	pressLoadNow Action = "scn"
	pressReblank Action = "scb" // back to the blank
)

func (b *Bot) scanActions() []action {
	return []action{
		{pressLoad, "scan_load", b.loadPressed},
		{pressReplaceYes, "scan_replace_yes", b.replaceYesPressed},
		{pressLoadOne, "scan_load_one", b.loadOnePressed},
		{pressOldArchive, "scan_archive", b.scansPressed},
		{pressScanFile, "scan_file", b.scanFilePressed},
		{pressHandOver, "hand_over", b.handOverPressed},
		{pressHandAll, "hand_over_all", b.handAllPressed},
		{pressHandOne, "hand_over_one", b.handOnePressed},
		{pressTakeBack, "take_back", b.takeBackPressed},
		{pressIsRight, "right", b.resume},
		{pressToday, "today", b.resume},
		{pressLoadNow, "scan_load_now", b.resume},
		{pressReblank, "scan_reblank", b.resume},
	}
}

// scanTalks are the conversations about scans.
func scanTalks() []talk { return []talk{loadScan, handOver} }

// scanExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) scanExamRows(_ *Turn, v *service.ExamView) [][]Button {
	e := &v.Exam
	if !v.Staff {
		return nil
	}
	var out [][]Button
	scans := Button{Press: Press{pressScans, e.ID, 0}}
	if e.Loaded < e.Numbered {
		out = append(out, row(scans))
	}
	if e.Loaded < e.Successful {
		out = append(out, row(Button{Label: "scan_load", Press: Press{pressLoadOne, e.ID, 0}}))
	}
	if n := v.Count(service.ApplicationAwaitingHandover); n > 0 {
		out = append(out, row(Button{Label: "hand_over_count", Args: n, Press: Press{pressHandAll, e.ID, 0}}))
	}
	if e.Numbered > 0 && e.Loaded == e.Numbered { // a better scan may come
		out = append(out, row(scans))
	}
	return out
}

// scanApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) scanApplicationRows(_ *Turn, v *service.ApplicationView) [][]Button {
	a := &v.Application
	var out [][]Button
	switch {
	case !v.Staff || !a.Entitled():
	case a.ScanID == 0:
		out = append(out, row(Button{Press: Press{pressLoad, a.ID, a.Revision}}))
	default:
		if a.HandedOn.IsZero() {
			out = append(out, row(Button{Press: Press{pressHandOver, a.ID, a.Revision}}))
		} else {
			out = append(out, row(Button{Press: Press{pressTakeBack, a.ID, a.Revision}}))
		}
		out = append(out, row(Button{Label: "scan_replace", Press: Press{pressLoad, a.ID, a.Revision}}))
	}
	if a.ScanID != 0 {
		out = append(out, row(Button{Press: Press{pressScanFile, a.ID, 0}}))
	}
	return out
}

// scanFilePressed sends the loaded scan.
func (b *Bot) scanFilePressed(ctx context.Context, t *Turn) (Reply, error) {
	id, err := b.applicationID(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	a, doc, err := b.Scans.Document(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	doc.Name, err = b.text.Label("file_scan", doc.Name)
	if err != nil {
		return Reply{}, err
	}
	made := attach(doc)
	return Reply{Text: "scan_document", Data: a, Document: &made, Rows: [][]Button{
		row(Button{Press: Press{pressApplication, a.ID, 0}, Args: a.Number}, Button{Press: Press{Do: pressMenu}}),
	}}, nil
}

// loadForm is what must be known before a scan is loaded. The file lies beside it
// as an upload.
type loadForm struct {
	fileForm
	blankForm
	ApplicationID      int64
	Application        string // number
	Revision           int
	Replace            bool
	RegistrationNumber string
	IssuedOn           service.Day
	Checked            bool // everything was said once: a correction goes back to the check
	Confirmed          bool // the person has compared what no reading of the machine supports
}

// loadView is what the questions of a load show.
type loadView struct {
	*service.ApplicationView
	Form       *loadForm
	File       *service.Upload   // at the check
	Look       *service.ScanLook // at the check, nil while no file is there
	Read       string            // at the check: the number as it was read, a dot for what was not; "" if nothing was
	Other      string            // at the check: number of another application, as which the file is called
	ValidUntil service.Day       // at the check; zero: without limit
	Old        service.BlankKey
}

// Retyped reports whether another number or day was typed than the application has.
func (v loadView) Retyped() bool {
	a, f := &v.Application, v.Form
	return a.RegistrationNumber != "" && (a.RegistrationNumber != f.RegistrationNumber || a.IssuedOn != f.IssuedOn)
}

func (b *Bot) loadView(ctx context.Context, t *Turn, f *loadForm) (loadView, error) {
	v, err := b.Exams.Application(ctx, t.By, f.ApplicationID)
	if err != nil {
		return loadView{}, err
	}
	a := &v.Application
	return loadView{
		ApplicationView: v, Form: f, ValidUntil: a.Level.ValidUntil(f.IssuedOn),
		Old: service.BlankKey{Series: a.BlankSeries, Number: a.BlankNumber},
	}, nil
}

// loadScan takes what is said of a printed certificate and its scan. What is known
// is shown and confirmed with one press.
var loadScan = Wizard[loadForm]{
	Name: "scan_load",
	Steps: []Step[loadForm]{
		blankStep(
			func(f *loadForm) int64 { return f.ApplicationID },
			func(f *loadForm) *blankForm { return &f.blankForm },
			func(_ context.Context, _ *Bot, _ *Turn, f *loadForm) (Outcome, error) {
				if f.Checked {
					return goingTo("check"), nil
				}
				return next, nil
			},
		),
		{Name: "number", Ask: askLoad("scan_number_ask", loadView.knownNumber, false), Take: takeNumber},
		{Name: "issued", Ask: askLoad("scan_issued_ask", loadView.knownDay, true), Take: takeIssued},
		fileStep[loadForm]{
			Purpose: service.UploadScan, Subject: func(f *loadForm) int64 { return f.ApplicationID },
			Form: func(f *loadForm) *fileForm { return &f.fileForm }, Ask: "scan_file_ask", Back: true,
		}.step("file"),
		{Name: "check", Ask: askLoadNow, Take: takeLoadNow},
		{Name: "sure", Ask: askCompared, Take: takeCompared},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *loadForm) (Reply, error) {
		a, err := b.Scans.Load(ctx, t.By, service.LoadInput{
			ApplicationID: f.ApplicationID, Revision: f.Revision, UploadID: f.UploadID, Blank: f.Blank,
			RegistrationNumber: f.RegistrationNumber, IssuedOn: f.IssuedOn, Replace: f.Replace, Outside: f.Outside,
			Mistaken: f.Mistaken, Confirmed: f.Confirmed,
		})
		if err != nil {
			return Reply{}, err
		}
		r, err := b.applicationCard(ctx, t, a.ID)
		r.Lead, r.LeadData = "scan_loaded", map[string]any{"Application": a, "At": sendingAt(a, b.now(), t.By.Zone), "Zone": t.By.Zone, "Replaced": f.Replace}
		return r, err
	},
}

// sendingAt is when the scan that was just loaded goes to its candidate.
func sendingAt(a *service.Application, now time.Time, zone string) time.Time {
	if a.DeliverAt == nil {
		return now
	}
	return service.SendingAt(*a.DeliverAt, now, zone)
}

// knownNumber is what needs no typing: the number that was typed before, or the
// application's.
func (v loadView) knownNumber() bool {
	return v.Application.RegistrationNumber != "" || v.Form.RegistrationNumber != ""
}

// knownDay is knownNumber for the issue date.
func (v loadView) knownDay() bool {
	return !v.Application.IssuedOn.IsZero() || !v.Form.IssuedOn.IsZero()
}

// askLoad asks a question of a load that what is known may answer.
func askLoad(text string, known func(loadView) bool, isDay bool) func(context.Context, *Bot, *Turn, *loadForm) (Reply, error) {
	return func(ctx context.Context, b *Bot, t *Turn, f *loadForm) (Reply, error) {
		v, err := b.loadView(ctx, t, f)
		if err != nil {
			return Reply{}, err
		}
		r := Reply{Text: text, Data: v, Card: true}
		switch {
		case known(v):
			r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressIsRight, 0)}))
		case isDay:
			r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressToday, 0)}))
		}
		r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}))
		return r, nil
	}
}

func takeNumber(ctx context.Context, b *Bot, t *Turn, f *loadForm) (Outcome, error) {
	v, err := b.loadView(ctx, t, f)
	if err != nil {
		return stay, err
	}
	typed := t.Text
	switch {
	case t.Press != nil && t.Press.Do == pressIsRight && v.knownNumber():
		typed = cmp.Or(f.RegistrationNumber, v.Application.RegistrationNumber)
	case !wrote(t):
		return stay, unexpected(t)
	}
	number, err := b.Scans.CheckNumber(ctx, t.By, f.ApplicationID, typed)
	if err != nil {
		return stay, err
	}
	f.RegistrationNumber = number
	return next, nil
}

func takeIssued(ctx context.Context, b *Bot, t *Turn, f *loadForm) (Outcome, error) {
	v, err := b.loadView(ctx, t, f)
	if err != nil {
		return stay, err
	}
	var day service.Day
	switch {
	case t.Press != nil && t.Press.Do == pressIsRight && v.knownDay():
		if day = f.IssuedOn; day.IsZero() {
			day = v.Application.IssuedOn
		}
	default:
		if day, err = typedDay(t, v.Today); err != nil {
			return stay, err
		}
	}
	if err := b.Scans.CheckIssued(ctx, t.By, f.ApplicationID, day); err != nil {
		return stay, err
	}
	f.IssuedOn = day
	return next, nil
}

// namesApplication reports whether the button of an application was pressed, or
// its number typed after the words. Another number may be an exam's.
func (b *Bot) namesApplication(ctx context.Context, t *Turn) (bool, error) {
	if t.Press.ID != 0 || t.Suffix == "" {
		return t.Press.ID != 0, nil
	}
	_, err := b.typedApplication(ctx, t)
	if err != nil && service.AsError(err).Kind == service.NotFound {
		return false, nil
	}
	return err == nil, err
}

// loadPressed opens the conversation that loads a scan, and asks first when one is
// loaded.
func (b *Bot) loadPressed(ctx context.Context, t *Turn) (Reply, error) {
	named, err := b.namesApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	if !named {
		return b.chooseExam(ctx, t, unloaded, pressLoadOne)
	}
	v, err := b.namedApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	err = b.Scans.CheckLoad(ctx, t.By, v.Application.ID, false)
	if service.ReasonOf(err) == service.ReasonScanLoaded {
		return Reply{Text: "scan_replace_ask", Data: v, Edit: true, Rows: [][]Button{
			row(Button{Press: Press{pressReplaceYes, v.Application.ID, v.Application.Revision}}),
			row(Button{Press: Press{pressApplication, v.Application.ID, 0}, Args: v.Application.Number}, Button{Press: Press{Do: pressMenu}}),
		}}, nil
	}
	if err != nil {
		return Reply{}, err
	}
	return b.beginLoad(ctx, t, v, false)
}

func (b *Bot) replaceYesPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.namedApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	if err := b.Scans.CheckLoad(ctx, t.By, v.Application.ID, true); err != nil {
		return Reply{}, err
	}
	return b.beginLoad(ctx, t, v, true)
}

func (b *Bot) beginLoad(ctx context.Context, t *Turn, v *service.ApplicationView, replace bool) (Reply, error) {
	return edited(b.begin(ctx, t, loadScan, loadForm{
		fileForm: fileForm{LastIn: t.Message}, ApplicationID: v.Application.ID, Application: v.Application.Number,
		Revision: v.Application.Revision, Replace: replace,
	}))
}

// unloaded are the exams in which a certificate waits for its scan.
var unloaded = service.ExamFilter{Certificates: []service.CertificateStatus{
	service.CertificatesToGenerate, service.CertificatesToLoad, service.CertificatesPartlyLoaded,
}}

// handable are the exams in which a paper may wait for its handover.
var handable = service.ExamFilter{Certificates: []service.CertificateStatus{
	service.CertificatesPartlyLoaded, service.CertificatesLoaded,
}}

// loadOnePressed lists those of an exam whose certificate is not loaded.
func (b *Bot) loadOnePressed(ctx context.Context, t *Turn) (Reply, error) {
	return b.chooseApplication(ctx, t, unloaded, service.ApplicationAwaitingCertificate, pressLoad)
}

// handOnePressed lists those of an exam whose paper waits for its handover.
func (b *Bot) handOnePressed(ctx context.Context, t *Turn) (Reply, error) {
	return b.chooseApplication(ctx, t, handable, service.ApplicationAwaitingHandover, pressHandOver)
}

// chosenView is what a list of applications to choose from says.
type chosenView struct {
	*service.ApplicationList
	Status service.ApplicationStatus
	Page   int
}

// chooseApplication lists the applications of an exam that stand in a status, to
// do something about one.
func (b *Bot) chooseApplication(ctx context.Context, t *Turn, of service.ExamFilter, status service.ApplicationStatus, do Action) (Reply, error) {
	self := t.Press.Do
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, of, self)
	}
	page := pageOf(int64(t.Press.Version))
	if t.typed {
		page = 0 // the version is the exam's revision
	}
	list, err := b.Exams.Applications(ctx, t.By, t.Press.ID, service.ApplicationFilter{Status: status}, page*pageSize, pageSize)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "scan_choose", Data: chosenView{list, status, page}, Edit: true}
	for i := range list.Items {
		a := &list.Items[i]
		r.Rows = append(r.Rows, row(Button{Label: "application_item", Args: a, Press: Press{do, a.ID, a.Revision}}))
	}
	r.Rows = append(r.Rows, turnPages(page, list.More, func(p int) Press { return Press{self, list.Exam.ID, p} })...)
	r.Rows = append(r.Rows, row(Button{Press: Press{pressExam, list.Exam.ID, 0}, Args: list.Exam.Number}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// handForm is what must be known before papers are marked as handed over: one, or
// all of an exam that wait for it.
type handForm struct {
	ExamID        int64
	Exam          string // number
	ApplicationID int64  // 0 for all
	Revision      int
	Number        string // of the application
	On            service.Day
	Count         int
}

// handOver asks for the day of a handover.
var handOver = Wizard[handForm]{
	Name: "hand_over",
	Steps: []Step[handForm]{
		{
			Name: "day",
			Ask: func(_ context.Context, _ *Bot, t *Turn, f *handForm) (Reply, error) {
				r := Reply{Text: "hand_over_ask", Data: f, Card: true, Rows: [][]Button{row(Button{Press: t.inTalk(pressToday, 0)})}}
				if f.ApplicationID == 0 {
					r.Rows = append(r.Rows, row(Button{Press: Press{pressHandOne, f.ExamID, 0}}))
				}
				r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressCancel, 0)}))
				return r, nil
			},
			Take: func(ctx context.Context, b *Bot, t *Turn, f *handForm) (Outcome, error) {
				v, err := b.Exams.View(ctx, t.By, f.ExamID)
				if err != nil {
					return stay, err
				}
				if f.On, err = typedDay(t, v.Today); err != nil {
					return stay, err
				}
				if f.ApplicationID != 0 { // what has become of it meanwhile ends the conversation
					return finish, nil
				}
				f.Count, err = b.Scans.CheckHandOver(ctx, t.By, f.ExamID, 0, f.On)
				return next, err
			},
		},
		{
			Name: "check",
			Ask: func(_ context.Context, _ *Bot, t *Turn, f *handForm) (Reply, error) {
				return Reply{Text: "hand_over_check", Data: f, Card: true, Rows: [][]Button{
					row(Button{Label: "hand_over_count", Args: f.Count, Press: t.inTalk(pressDone, sure)}),
					row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}),
				}}, nil
			},
			Take: takeDone[handForm],
		},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *handForm) (Reply, error) {
		if f.ApplicationID != 0 {
			if _, err := b.Scans.HandOver(ctx, t.By, f.ApplicationID, f.Revision, f.On); err != nil {
				return Reply{}, err
			}
			return edited(b.applicationCard(ctx, t, f.ApplicationID))
		}
		n, err := b.Scans.HandOverAll(ctx, t.By, f.ExamID, f.On)
		if t.Again && service.ReasonOf(err) == service.ReasonHandedNobody { // done by this very press, most likely
			return edited(b.examCard(ctx, t, f.ExamID))
		}
		if err != nil {
			return Reply{}, err
		}
		r, err := edited(b.examCard(ctx, t, f.ExamID))
		r.Lead, r.LeadData = "handed_over", n
		return r, err
	},
}

// handOverPressed asks for the day on which the paper of one was handed over.
func (b *Bot) handOverPressed(ctx context.Context, t *Turn) (Reply, error) {
	named, err := b.namesApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	if !named {
		return b.chooseExam(ctx, t, handable, pressHandAll)
	}
	v, err := b.namedApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	a := &v.Application
	switch {
	case a.ScanID == 0:
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonScanMissing}
	case !a.HandedOn.IsZero():
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonHandedAlready, Data: service.ScanFault{Application: a.Number, HandedOn: a.HandedOn}}
	}
	return edited(b.begin(ctx, t, handOver, handForm{
		ExamID: v.Exam.ID, Exam: v.Exam.Number, ApplicationID: a.ID, Revision: a.Revision, Number: a.Number,
	}))
}

// handAllPressed asks for the day on which the papers of everybody of an exam who
// waits were handed over.
func (b *Bot) handAllPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, handable, pressHandAll)
	}
	v, err := b.Exams.View(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	n, err := b.Scans.CheckHandOver(ctx, t.By, v.Exam.ID, 0, service.Day{})
	if err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, handOver, handForm{ExamID: v.Exam.ID, Exam: v.Exam.Number, Count: n}))
}

// takeBackPressed undoes the note of a handover.
func (b *Bot) takeBackPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.namedApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	revision := t.Press.Version
	if t.typed {
		revision = v.Application.Revision
	}
	a, err := b.Scans.TakeBack(ctx, t.By, v.Application.ID, revision)
	if err != nil {
		return Reply{}, err
	}
	r, err := edited(b.applicationCard(ctx, t, a.ID))
	r.Lead = "taken_back"
	return r, err
}
