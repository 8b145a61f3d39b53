package bot

import (
	"context"
	"slices"

	"flowbot/service"
)

// Buttons of results. The ID is the exam's or, of the deeds about one, the
// application's, which carry its revision.
const (
	pressResults      Action = "erl" // «Загрузить результаты»
	pressResultList   Action = "erq" // those awaiting a result; Version is a page
	pressResultNext   Action = "ert" // one of them
	pressResultSkip   Action = "ers" // the one behind this one
	pressNoViolations Action = "ern" // «Нарушений нет», of all who came; Version is how many they are
	pressRest         Action = "err" // «Остальные сдали»
	pressRestSure     Action = "ery" // Version is how many they are
	pressClean        Action = "erv" // «Нарушений нет», of one
	pressViolated     Action = "ere"
	pressViolatedNext Action = "er4"
	pressCorrect      Action = "erc"
	pressUnmark       Action = "eru"
	pressResultTable  Action = "erd" // «Скачать таблицу»
)

// outcomes are the buttons that mark an outcome: on the card of an application,
// and of one in the queue of those awaiting theirs, where they lead to the next.
var outcomes = []struct {
	outcome     service.Outcome
	card, queue Action
	label       string // of both buttons
	named       string // what the button in the queue is called by when it is typed
}{
	{service.OutcomePassed, "erp", "er1", "passed", "passed_next"},
	{service.OutcomeFailed, "erf", "er2", "failed", "failed_next"},
	{service.OutcomeAbsent, "era", "er3", "absent", "absent_next"},
}

func (b *Bot) resultActions() []action {
	out := []action{
		{pressResults, "results", b.resultsPressed},
		{pressResultList, "results_list", b.resultListPressed},
		{pressResultNext, "results_next", b.resultNextPressed},
		{pressResultSkip, "results_skip", b.resultSkipPressed},
		{pressNoViolations, "no_violations", b.noViolationsPressed},
		{pressRest, "results_rest", b.restPressed},
		{pressRestSure, "results_rest_sure", b.restSurePressed},
		{pressClean, "no_violations_one", b.ofOne(b.noViolationsPressed, b.marks(markForm{Violations: service.ViolationsNone}))},
		{pressViolated, "violated", b.ofOne(b.tablePressed, b.marks(markForm{Violations: service.ViolationsFound}))},
		{pressViolatedNext, "violated_next", b.ofOne(b.resultListPressed, b.marks(markForm{Violations: service.ViolationsFound, Next: true}))},
		{pressCorrect, "result_correct", b.ofOne(b.tablePressed, b.correctPressed)},
		{pressUnmark, "result_unmark", b.ofOne(b.tablePressed, b.unmarkPressed)},
		{pressResultTable, "results_table", b.resultTablePressed},
	}
	for _, o := range outcomes {
		out = append(out,
			action{o.card, o.label, b.ofOne(b.resultListPressed, b.marks(markForm{Outcome: o.outcome}))},
			action{o.queue, o.named, b.ofOne(b.resultListPressed, b.marks(markForm{Outcome: o.outcome, Next: true}))})
	}
	return out
}

// resultTalks are the conversations of this subject.
func resultTalks() []talk { return []talk{markTalk} }

// resultExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) resultExamRows(_ *Turn, v *service.ExamView) [][]Button {
	if v.CanMark() != nil {
		return nil
	}
	var out [][]Button
	if n := v.Count(service.ApplicationAwaitingResult); n > 0 {
		out = append(out, row(Button{Press: Press{pressResults, v.Exam.ID, v.Exam.Revision}, Args: n}))
	}
	if n := v.Count(service.ApplicationAwaitingViolationsMark); n > 0 {
		out = append(out, row(Button{Press: Press{pressNoViolations, v.Exam.ID, n}, Args: n}))
	}
	return out
}

// resultApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) resultApplicationRows(_ *Turn, v *service.ApplicationView) [][]Button {
	if v.CanMark() != nil {
		return nil
	}
	a := &v.Application
	switch a.Status() {
	case service.ApplicationAwaitingResult:
		return append(outcomeRows(a, false), row(Button{Press: Press{pressViolated, a.ID, a.Revision}}))
	case service.ApplicationAwaitingViolationsMark:
		return append(violationsRows(a), row(Button{Press: Press{pressCorrect, a.ID, a.Revision}}))
	case service.ApplicationAbsent, service.ApplicationFailed, service.ApplicationViolated, service.ApplicationAwaitingCertificate,
		service.ApplicationAwaitingHandover, service.ApplicationCompleted:
	}
	return [][]Button{row(Button{Press: Press{pressCorrect, a.ID, a.Revision}})}
}

// outcomeRows offers the outcomes that an application does not have.
func outcomeRows(a *service.Application, queue bool) [][]Button {
	var out []Button
	for _, o := range outcomes {
		do := o.card
		if queue {
			do = o.queue
		}
		if o.outcome != a.Outcome {
			out = append(out, Button{Label: o.label, Press: Press{do, a.ID, a.Revision}})
		}
	}
	return [][]Button{out}
}

// violationsRows offers the marks of violations that an application does not have.
func violationsRows(a *service.Application) [][]Button {
	var out []Button
	if a.Violations != service.ViolationsNone {
		out = append(out, Button{Label: "no_violations", Press: Press{pressClean, a.ID, a.Revision}})
	}
	if a.Violations != service.ViolationsFound {
		out = append(out, Button{Press: Press{pressViolated, a.ID, a.Revision}})
	}
	return [][]Button{out}
}

// awaitingResults are the exams of one's own centers in which results are missing.
func (b *Bot) awaitingResults(t *Turn) service.ExamFilter {
	return service.ExamFilter{Unsettled: true, HeldBefore: dayOf(b.now(), t.By).AddDays(1)}
}

// resultsView is what the screen about the results of an exam says.
type resultsView struct {
	*service.ExamView
	Awaited int // results that are missing
	Marks   int // marks of violations that are missing
}

// resultsPressed offers the ways to bring the results of an exam in.
func (b *Bot) resultsPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, b.awaitingResults(t), pressResults)
	}
	return edited(b.resultsScreen(ctx, t, t.Press.ID))
}

func (b *Bot) resultsScreen(ctx context.Context, t *Turn, examID int64) (Reply, error) {
	v, err := b.Exams.View(ctx, t.By, examID)
	if err != nil {
		return Reply{}, err
	}
	if err := v.CanMark(); err != nil {
		return Reply{}, err
	}
	shown := resultsView{
		ExamView: v, Awaited: v.Count(service.ApplicationAwaitingResult), Marks: v.Count(service.ApplicationAwaitingViolationsMark),
	}
	r := Reply{Text: "results", Data: shown}
	if shown.Awaited > 0 {
		r.Rows = append(r.Rows,
			row(Button{Press: Press{pressResultTable, examID, 0}}),
			row(Button{Press: Press{pressResultList, examID, 0}}),
			row(Button{Press: Press{pressRest, examID, 0}, Args: shown.Awaited}))
	}
	if shown.Marks > 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressNoViolations, examID, shown.Marks}, Args: shown.Marks}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{pressExam, examID, 0}, Args: v.Exam.Number}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// resultTablePressed sends the table to fill in.
func (b *Bot) resultTablePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, b.awaitingResults(t), pressResultTable)
	}
	doc, err := b.Exams.ResultsTable(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	name, err := b.text.Label("file_results", doc.Name)
	if err != nil {
		return Reply{}, err
	}
	return Reply{
		Text: "results_table", Document: &Attachment{Name: name, Size: doc.Size, Open: doc.Open},
		Rows: [][]Button{row(Button{Label: "results", Press: Press{pressResults, t.Press.ID, 0}}, Button{Press: Press{Do: pressMenu}})},
	}, nil
}

// resultListPressed shows a page of those whose result is awaited.
func (b *Bot) resultListPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, b.awaitingResults(t), pressResultList)
	}
	page := 0
	if !t.typed {
		page = pageOf(int64(t.Press.Version))
	}
	return edited(b.resultList(ctx, t, t.Press.ID, page))
}

func (b *Bot) resultList(ctx context.Context, t *Turn, examID int64, page int) (Reply, error) {
	awaited := service.ApplicationFilter{Status: service.ApplicationAwaitingResult}
	list, err := b.Exams.Applications(ctx, t.By, examID, awaited, page*pageSize, pageSize)
	if err != nil {
		return Reply{}, err
	}
	if len(list.Items) == 0 && page > 0 {
		return b.resultList(ctx, t, examID, 0)
	}
	if len(list.Items) == 0 {
		return b.resultsScreen(ctx, t, examID)
	}
	r := Reply{Text: "results_list", Data: tableView{ApplicationList: list, Page: page, First: page*pageSize + 1}}
	for i := range list.Items {
		a := &list.Items[i]
		r.Rows = append(r.Rows, row(Button{Label: "application_item", Args: a, Press: Press{pressResultNext, a.ID, 0}}))
	}
	r.Rows = append(r.Rows, turnPages(page, list.More, func(p int) Press { return Press{pressResultList, examID, p} })...)
	r.Rows = append(r.Rows,
		row(Button{Label: "results", Press: Press{pressResults, examID, 0}}),
		row(Button{Press: Press{pressExam, examID, 0}, Args: list.Exam.Number}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// resultNextPressed asks for the outcome of one whose result is awaited.
func (b *Bot) resultNextPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.resultListPressed(ctx, t)
	}
	q, err := b.resultQueue(ctx, t, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if len(q.Items) == 0 || q.Items[q.At].ID != t.Press.ID { // marked meanwhile
		return edited(b.applicationCard(ctx, t, t.Press.ID))
	}
	return resultAsk(q), nil
}

// resultSkipPressed leaves one as they are and asks for the next.
func (b *Bot) resultSkipPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.resultListPressed(ctx, t)
	}
	q, err := b.resultQueue(ctx, t, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if len(q.Items) == 0 {
		return edited(b.resultsScreen(ctx, t, q.Exam.ID))
	}
	if q.Items[q.At].ID == t.Press.ID {
		q.At = (q.At + 1) % len(q.Items)
	}
	return resultAsk(q), nil
}

// resultQueue is the queue of those whose result is awaited, for whoever may mark
// it, from an application on.
func (b *Bot) resultQueue(ctx context.Context, t *Turn, applicationID int64) (*service.ResultQueue, error) {
	v, err := b.Exams.Application(ctx, t.By, applicationID)
	if err != nil {
		return nil, err
	}
	if err := v.CanMark(); err != nil {
		return nil, err
	}
	return b.Exams.ResultQueue(ctx, t.By, applicationID)
}

// askView says whose outcome is asked for.
type askView struct {
	Application *service.Application
	Awaited     int // results that are missing
}

// resultAsk asks for the outcome of the one with whom the queue goes on.
func resultAsk(q *service.ResultQueue) Reply {
	a := &q.Items[q.At]
	r := Reply{Text: "result_ask", Data: askView{a, len(q.Items)}, Rows: outcomeRows(a, true), Edit: true}
	others := row(Button{Label: "violated", Press: Press{pressViolatedNext, a.ID, a.Revision}})
	if len(q.Items) > 1 {
		others = append(others, Button{Press: Press{pressResultSkip, a.ID, 0}})
	}
	r.Rows = append(r.Rows, others,
		row(Button{Label: "results_to_list", Press: Press{pressResultList, q.Exam.ID, q.At / pageSize}}, Button{Press: Press{Do: pressMenu}}))
	return r
}

// resultGoesOn says how one was marked and asks for the next in the queue.
func (b *Bot) resultGoesOn(ctx context.Context, t *Turn, a *service.Application) (Reply, error) {
	q, err := b.Exams.ResultQueue(ctx, t.By, a.ID)
	if err != nil {
		return Reply{}, err
	}
	var r Reply
	if len(q.Items) == 0 {
		r, err = edited(b.resultsScreen(ctx, t, a.ExamID))
	} else {
		r = resultAsk(q)
		foot := len(r.Rows) - 1
		r.Rows = slices.Insert(r.Rows, foot, row(Button{Label: "result_fix", Args: a, Press: Press{pressApplication, a.ID, 0}}))
	}
	r.Lead, r.LeadData = "result_marked", a
	return r, err
}

// ofOne does something about the application whose button was pressed, or whose
// number was typed after the words; without one, choose shows where they are.
func (b *Bot) ofOne(choose, do handler) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		switch {
		case t.Press.ID != 0:
			return do(ctx, t)
		case t.Suffix == "":
			return choose(ctx, t)
		}
		a, err := b.typedApplication(ctx, t)
		if err != nil {
			return Reply{}, err
		}
		t.Press.ID, t.Press.Version = a.ID, a.Revision
		return do(ctx, t)
	}
}

// marks marks the pressed application as the form says, and asks for what that
// needs beside the press. In the queue it leads to the next.
func (b *Bot) marks(f markForm) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		v, err := b.Exams.Application(ctx, t.By, t.Press.ID)
		if err != nil {
			return Reply{}, err
		}
		f := f
		f.ApplicationID, f.Revision = t.Press.ID, t.Press.Version
		a := &v.Application
		f.Application, f.Name, f.Approved = a.Number, a.Name(), v.Exam.ProtocolStatus == service.ProtocolApproved
		if f.Next && a.Revision != f.Revision && a.Outcome == f.Outcome && f.Outcome != "" && v.Staff {
			return b.resultGoesOn(ctx, t, a) // the second of two quick taps
		}
		// Whoever pressed an old button, or may not mark, hears so from the deed itself.
		if a.Revision == f.Revision && v.CanMark() == nil {
			if step := asksFor(f, a); step != "" {
				return b.beginAt(ctx, t, markTalk, step, f)
			}
		}
		return b.mark(ctx, t, &f)
	}
}

// mark marks what the form says.
func (b *Bot) mark(ctx context.Context, t *Turn, f *markForm) (Reply, error) {
	a, err := b.Exams.Mark(ctx, t.By, service.MarkInput{
		ApplicationID: f.ApplicationID, Revision: f.Revision, Outcome: f.Outcome, Violations: f.Violations, Comment: f.Comment,
	})
	switch {
	case err != nil:
		return Reply{}, err
	case f.Next:
		return b.resultGoesOn(ctx, t, a)
	}
	return edited(b.applicationCard(ctx, t, a.ID))
}

// markForm is what must be known before a result is marked with a comment.
type markForm struct {
	ApplicationID int64
	Application   string // number
	Name          string
	Revision      int
	Outcome       service.Outcome    // "" keeps what stands
	Violations    service.Violations // "" keeps what stands
	Approved      bool               // the protocol is: the comment says why it is corrected
	Next          bool               // marked in the queue, which goes on
	Comment       string
}

// markTalk asks for what a mark needs beside a press: whether there were
// violations, and a comment.
var markTalk = Wizard[markForm]{
	Name: "result_mark", Brief: true,
	Steps: []Step[markForm]{
		{Name: stepViolations, Ask: askViolations, Take: takeViolations},
		{
			Name: stepComment,
			Ask: func(_ context.Context, _ *Bot, t *Turn, f *markForm) (Reply, error) {
				return Reply{Text: "result_comment_ask", Data: f, Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})}}, nil
			},
			Take: func(_ context.Context, _ *Bot, t *Turn, f *markForm) (Outcome, error) {
				if t.Press != nil || t.File != nil || t.Other != "" {
					return stay, unexpected(t)
				}
				f.Comment = t.Text
				return next, service.CheckComment(t.Text)
			},
		},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *markForm) (Reply, error) { return b.mark(ctx, t, f) },
	Left: func(ctx context.Context, b *Bot, t *Turn, f *markForm) (Reply, error) {
		if f.Next {
			q, err := b.resultQueue(ctx, t, f.ApplicationID)
			if err == nil && len(q.Items) > 0 {
				return resultAsk(q), nil
			}
		}
		return b.applicationCard(ctx, t, f.ApplicationID)
	},
}

// The steps of markTalk.
const (
	stepViolations = "violations"
	stepComment    = "comment"
)

// The answers to askViolations.
const (
	pickNone  = 1
	pickFound = 2
)

func askViolations(_ context.Context, _ *Bot, t *Turn, f *markForm) (Reply, error) {
	return Reply{Text: "result_violations_ask", Data: f, Rows: [][]Button{
		row(Button{Label: "violations_no", Press: t.inTalk(pressPick, pickNone)}, Button{Label: "violations_yes", Press: t.inTalk(pressPick, pickFound)}),
		row(Button{Press: t.inTalk(pressCancel, 0)}),
	}}, nil
}

func takeViolations(_ context.Context, _ *Bot, t *Turn, f *markForm) (Outcome, error) {
	if t.Press == nil || t.Press.Do != pressPick || t.typed {
		return stay, unexpected(t)
	}
	f.Violations = service.ViolationsNone
	if t.Press.ID == pickFound {
		f.Violations = service.ViolationsFound
	}
	return next, nil
}

// asksFor is the step of markTalk that must be asked before an application is
// marked, "" when the press is enough: what rules were broken, or why a result is
// corrected after the protocol was approved.
func asksFor(f markForm, a *service.Application) string {
	unmarked := f.Violations == service.ViolationsUnmarked && a.Violations == service.ViolationsUnmarked
	switch {
	case f.Approved && unmarked && f.Outcome != service.OutcomeAbsent:
		return stepViolations
	case f.Approved || f.Violations == service.ViolationsFound:
		return stepComment
	}
	return ""
}

// correctPressed offers every mark that an application does not have.
func (b *Bot) correctPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.Exams.Application(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if err := v.CanMark(); err != nil {
		return Reply{}, err
	}
	a := &v.Application
	r := Reply{Text: "result_correct", Data: v, Rows: outcomeRows(a, false), Edit: true}
	if a.Outcome != service.OutcomeAbsent {
		r.Rows = append(r.Rows, violationsRows(a)...)
	}
	marked := a.Outcome != service.OutcomeAwaited || a.Violations != service.ViolationsUnmarked
	if marked && v.Exam.ProtocolStatus != service.ProtocolApproved {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressUnmark, a.ID, a.Revision}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{pressApplication, a.ID, 0}, Args: a.Number}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// unmarkPressed takes back what was marked by mistake.
func (b *Bot) unmarkPressed(ctx context.Context, t *Turn) (Reply, error) {
	a, err := b.Exams.Unmark(ctx, t.By, t.Press.ID, t.Press.Version)
	if err != nil {
		return Reply{}, err
	}
	return edited(b.applicationCard(ctx, t, a.ID))
}

// noViolationsPressed marks that all who came, and have no mark yet, broke no
// rules, if they are as many as the button says. Pressing it twice changes nothing.
func (b *Bot) noViolationsPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		r, err := b.chooseExam(ctx, t, b.awaitingResults(t), pressNoViolations)
		for _, buttons := range r.Rows { // of several, each says first how many they are
			for i := range buttons {
				if buttons[i].Press.Do == pressNoViolations {
					buttons[i].Press.Do = pressResults
				}
			}
		}
		return r, err
	}
	unmarked := t.Press.Version
	if t.typed { // that is the exam's revision
		unmarked = service.AnyNumber
	}
	n, err := b.Exams.NoViolations(ctx, t.By, t.Press.ID, unmarked)
	if service.ReasonOf(err) == service.ReasonResultsChanged {
		r, err := edited(b.resultsScreen(ctx, t, t.Press.ID))
		r.Lead = string(service.ReasonResultsChanged)
		return r, err
	}
	if err != nil {
		return Reply{}, err
	}
	r, err := edited(b.examCard(ctx, t, t.Press.ID))
	r.Lead, r.LeadData = "no_violations_marked", n
	return r, err
}

// restPressed asks whether all whose result is awaited have passed.
func (b *Bot) restPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, b.awaitingResults(t), pressRest)
	}
	v, err := b.Exams.View(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if err := v.CanMark(); err != nil {
		return Reply{}, err
	}
	n := v.Count(service.ApplicationAwaitingResult)
	if n == 0 {
		return edited(b.resultsScreen(ctx, t, v.Exam.ID))
	}
	return Reply{
		Text: "results_rest_ask", Data: resultsView{ExamView: v, Awaited: n}, Edit: true,
		Rows: [][]Button{
			row(Button{Press: Press{pressRestSure, v.Exam.ID, n}, Args: n}),
			row(Button{Label: "results_back", Press: Press{pressResults, v.Exam.ID, 0}}, Button{Press: Press{Do: pressMenu}}),
		},
	}, nil
}

// restSurePressed marks all whose result is awaited as passed.
func (b *Bot) restSurePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 || t.typed {
		return b.restPressed(ctx, t)
	}
	n, err := b.Exams.PassRest(ctx, t.By, t.Press.ID, t.Press.Version)
	if service.ReasonOf(err) == service.ReasonResultsChanged {
		r, err := b.restPressed(ctx, t)
		r.Lead = string(service.ReasonResultsChanged)
		return r, err
	}
	if err != nil {
		return Reply{}, err
	}
	r, err := edited(b.resultsScreen(ctx, t, t.Press.ID))
	if n > 0 { // else the screen says that everybody has a result
		r.Lead, r.LeadData = "results_rest_marked", n
	}
	return r, err
}
