package bot

import (
	"context"
	"strings"
	"unicode/utf8"

	"flowbot/service"
)

// Buttons of the pages that a person decides on. The ID is the page's and the
// Version its revision, unless said otherwise. Typed without a page they lead to
// the questions.
const (
	pressQuestions     Action = "sql" // «Нераспознанные»; ID is the exam's, Version is 0
	pressQuestion      Action = "sqo" // a page as it is now; Version is 0
	pressSkip          Action = "sqn" // the question after this one; Version is 0
	pressChoose        Action = "sqc" // ID and Version are a choice, see questionChoice
	pressOther         Action = "sqf" // «Другой»
	pressNoCertificate Action = "sqx" // «Не сертификат»
	pressRescan        Action = "sqr" // «Пересканировать»
	pressRepeated      Action = "sqd" // «Повтор»
	pressQuestionUndo  Action = "squ" // «Отменить решение»
	pressReadAgainAsk  Action = "sqg" // «Прочитать ещё раз»; Version is 0
	pressReadAgain     Action = "sqa" // this page
	pressReadAllAgain  Action = "sqe" // all questions of an exam, whose the ID is; Version is 0
	pressQuestionBlank Action = "sqb" // types the blank; ID and Version are a choice
	pressScanPage      Action = "sqm" // «Проверить скан»: the page that it came from; ID is the application's, Version is 0
	pressPages         Action = "sqs" // «Отложенные страницы»; ID is the batch's, Version a page of the list from 1, 0 opens it
)

func (b *Bot) questionActions() []action {
	return []action{
		{pressQuestions, "questions", b.questionsPressed},
		{pressQuestion, "question", b.ofPage(b.questionPressed)},
		{pressSkip, "question_skip", b.ofPage(b.skipPressed)},
		{pressChoose, "question_choose", b.ofPage(b.choosePressed)},
		{pressOther, "question_other", b.ofPage(b.otherPressed)},
		{pressNoCertificate, "question_not", b.ofPage(b.dismissPressed(service.PageRuleNoScan))},
		{pressRescan, "question_rescan", b.ofPage(b.dismissPressed(service.PageRuleRescan))},
		{pressRepeated, "question_repeated", b.ofPage(b.dismissPressed(service.PageRuleDuplicate))},
		{pressQuestionUndo, "question_undo", b.ofPage(b.questionUndoPressed)},
		{pressReadAgainAsk, "question_again", b.ofPage(b.againAskPressed)},
		{pressReadAgain, "question_again_one", b.ofPage(b.againPressed)},
		{pressReadAllAgain, "question_again_all", b.ofPage(b.againAllPressed)},
		{pressQuestionBlank, "question_blank", b.ofPage(b.questionBlankPressed)},
		{pressScanPage, "scan_page", b.ofPage(b.scanPagePressed)},
		{pressPages, "pages", b.ofPage(b.pagesPressed)},
	}
}

// questionTalks are the conversations about pages that a person decides on.
func questionTalks() []talk { return []talk{findOwner, nameOwnBlank} }

// ofPage has a deed that was named without its page lead to the questions.
func (b *Bot) ofPage(do handler) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 {
			return b.questionsPressed(ctx, t)
		}
		return do(ctx, t)
	}
}

// A choice stands in a button as two numbers: the page and the application in the
// ID, the page's revision and what the person has said about it in the Version.
const (
	applicationBits = 31
	saidBits        = 4
)

// said is what a person has said about a choice.
type said int

const (
	saidLooked  said = 1 << iota // this is the right person, although no reading supports it
	saidReplace                  // the loaded scan is to be replaced
	saidOutside                  // the blank is in no recorded range
	saidUnnamed                  // the blank is named later
)

// questionChoice is whose certificate a page is to be.
type questionChoice struct {
	page, application int64
	revision          int
	said              said
}

func (c questionChoice) press(do Action) Press {
	return Press{do, c.page<<applicationBits | c.application, c.revision<<saidBits | int(c.said)}
}

func (c questionChoice) with(s said) questionChoice {
	c.said |= s
	return c
}

func choiceOf(p *Press) questionChoice {
	return questionChoice{
		page: p.ID >> applicationBits, application: p.ID & (1<<applicationBits - 1),
		revision: p.Version >> saidBits, said: said(p.Version) & (1<<saidBits - 1),
	}
}

// in is the choice as the service takes it.
func (c questionChoice) in() service.ChoosePage {
	return service.ChoosePage{
		PageID: c.page, Revision: c.revision, ApplicationID: c.application,
		Confirmed: c.said&saidLooked != 0, Replace: c.said&saidReplace != 0,
		Outside: c.said&saidOutside != 0, Unnamed: c.said&saidUnnamed != 0,
	}
}

// ownerView is an application on the button of a question: the name with initials
// and as much of the registration number's end as tells it from the others.
type ownerView struct {
	Name   string
	Tail   string
	Loaded bool
	First  bool // of two pages the upper one
}

// questionScreen is what the card of a page shows.
type questionScreen struct {
	*service.QuestionView
	Zone   string
	Number string               // as it was read, a dot for what was not
	Picked *service.Application // of a choice that asks for one more word
	Old    *service.Scan        // that stands there
	Under  bool                 // its page is shown under the new one
}

// questionCard is the name of the living card of the questions: a person has one.
const questionCard = "scan_question"

// shownName is how much of a file's name is shown, in letters.
const shownName = 60

func (b *Bot) screenOf(t *Turn, v *service.QuestionView) questionScreen {
	s := questionScreen{QuestionView: v, Zone: t.By.Zone}
	if v.Reading != nil {
		s.Number = strings.ReplaceAll(v.Reading.Number, "?", "·")
	}
	for _, l := range []*service.ScanPageLine{&v.Page, v.Beside} {
		if l != nil {
			l.File, l.Name = shortened(l.File, shownName), shortened(l.Name, shownName)
		}
	}
	return s
}

// shortened is a text of so many letters at most.
func shortened(text string, letters int) string {
	if utf8.RuneCountInString(text) <= letters {
		return text
	}
	return string([]rune(text)[:letters-1]) + "…"
}

// questionsPressed shows the first question of an exam, or lets choose the exam.
func (b *Bot) questionsPressed(ctx context.Context, t *Turn) (Reply, error) {
	if !t.By.Has(service.RoleCenterStaff) {
		return Reply{}, &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	}
	if t.Press.ID == 0 || t.Press.Do != pressQuestions {
		return b.chooseQuestions(ctx, t)
	}
	return b.nextQuestion(ctx, t, t.Press.ID, 0)
}

// chooseQuestions lets choose among the exams that have questions.
func (b *Bot) chooseQuestions(ctx context.Context, t *Turn) (Reply, error) {
	t.Press = &Press{Do: pressQuestions}
	asked := service.ExamFilter{Questions: true}
	if t.Suffix == "" {
		some, err := b.Exams.List(ctx, t.By, service.ExamFilter{Questions: true, Own: true}, 0, 1)
		if err != nil {
			return Reply{}, err
		}
		if len(some) == 0 {
			return Reply{Text: "questions_none", Edit: true, Rows: [][]Button{row(Button{Press: Press{Do: pressMenu}})}}, nil
		}
	}
	return b.chooseExam(ctx, t, asked, pressQuestions)
}

// nextQuestion shows the question of an exam that follows a page.
func (b *Bot) nextQuestion(ctx context.Context, t *Turn, examID, after int64) (Reply, error) {
	v, err := b.Questions.Next(ctx, t.By, examID, after)
	if err != nil {
		return Reply{}, err
	}
	if v != nil {
		return b.questionReply(ctx, t, v)
	}
	done, err := b.Questions.Done(ctx, t.By, examID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "questions_done", Data: done}
	if done.Undo != nil {
		r.Rows = append(r.Rows, undoRow(done.Undo))
	}
	e := &done.Exam
	r.Rows = append(r.Rows, row(Button{Press: Press{pressExam, e.ID, 0}, Args: e.Number}, Button{Press: Press{Do: pressMenu}}))
	return b.inPlace(t, r), nil
}

// inPlace has a screen take the place of the pressed one: a picture that of a
// picture, a text that of a text. What cannot stand there comes as a new message,
// and a picture that is over goes.
func (b *Bot) inPlace(t *Turn, r Reply) Reply {
	r.Edit, r.Name = true, questionCard
	switch {
	case r.Photo != nil:
		r.Swap, r.Caption = true, true
	case t.Press != nil && t.Media:
		pressed := int64(t.Message)
		r.Edit = false
		r.sent = func(ctx context.Context, _ int) error {
			b.remove(ctx, t.Chat, pressed)
			return nil
		}
	}
	return r
}

// pageCard shows a page as it is now; cards is its reader.
func (b *Bot) pageCard(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.Questions.Question(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	return b.questionReply(ctx, t, v)
}

func (b *Bot) questionPressed(ctx context.Context, t *Turn) (Reply, error) {
	return b.pageCard(ctx, t, t.Press.ID)
}

func (b *Bot) skipPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.Questions.Question(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	return b.nextQuestion(ctx, t, v.Exam.ID, v.Page.ID)
}

// questionReply is the card of a page, with its picture if it can be drawn.
func (b *Bot) questionReply(ctx context.Context, t *Turn, v *service.QuestionView) (Reply, error) {
	r := Reply{Text: "question", Data: b.screenOf(t, v)}
	if v.Page.State == service.PageQuestion {
		r.Rows = b.questionRows(v)
	} else {
		r.Text, r.Rows = "question_decided", b.decidedRows(v)
	}
	beside := int64(0)
	if v.Page.State == service.PageQuestion && v.Beside != nil {
		beside = v.Beside.ID
	}
	r.Photo = b.pagePicture(ctx, t, v.Page.ID, beside, false)
	return b.inPlace(t, r), nil
}

// pagePicture is the picture of a page, or only its lines. Without one the words
// have to do: what failed is in the log.
func (b *Bot) pagePicture(ctx context.Context, t *Turn, pageID, besideID int64, lines bool) *Attachment {
	pictures, err := b.Questions.Picture(ctx, t.By, pageID, besideID)
	if err != nil {
		b.log.ErrorContext(ctx, "picture of a page", "page", pageID, "err", err)
		return nil
	}
	shown := pictures.View
	if lines && pictures.Lines != nil {
		shown = pictures.Lines
	}
	if shown == nil {
		return nil
	}
	made := attach(*shown)
	return &made
}

// questionRows are the buttons under a question.
func (b *Bot) questionRows(v *service.QuestionView) [][]Button {
	p := &v.Page
	choice := questionChoice{page: p.ID, revision: p.Revision}
	var out [][]Button
	owners := ownerViews(applicationsOf(v.Likely))
	for i := range v.Likely {
		if v.Likely[i].ID == p.ApplicationID && p.Rule == service.PageRuleTwice && isOpen(v.Beside) {
			out = append(out, b.pairRows(v)...)
			continue
		}
		c := choice
		c.application = v.Likely[i].ID
		out = append(out, row(Button{Args: owners[i], Press: c.press(pressChoose)}))
	}
	out = append(out, b.besideRows(v)...)
	if v.Exam.ID != 0 && p.SHA != "" {
		out = append(out, row(Button{Press: Press{pressOther, p.ID, p.Revision}}))
	}
	out = append(out, row(Button{Press: Press{pressNoCertificate, p.ID, p.Revision}}, Button{Press: Press{pressRescan, p.ID, p.Revision}}))
	var more []Button
	if v.Count > 1 {
		more = append(more, Button{Label: "question_skip_one", Press: Press{pressSkip, p.ID, 0}})
	}
	if v.Again {
		more = append(more, Button{Press: Press{pressReadAgainAsk, p.ID, 0}})
	}
	if more != nil {
		out = append(out, more)
	}
	if v.Undo != nil {
		out = append(out, undoRow(v.Undo))
	}
	return append(out, b.pageFoot(v))
}

// besideRows are the buttons of the page that stands beside a question.
func (b *Bot) besideRows(v *service.QuestionView) [][]Button {
	if v.Beside == nil {
		return nil
	}
	var out [][]Button
	if isOpen(v.Beside) {
		out = append(out, row(Button{Label: "question_beside", Press: Press{pressQuestion, v.Beside.ID, 0}}))
	}
	return append(out, row(Button{Press: Press{pressRepeated, v.Page.ID, v.Page.Revision}}))
}

// pairRows let choose which of two pages is the application's. The other one stays
// a question.
func (b *Bot) pairRows(v *service.QuestionView) [][]Button {
	upper := questionChoice{page: v.Page.ID, application: v.Page.ApplicationID, revision: v.Page.Revision}
	lower := questionChoice{page: v.Beside.ID, application: v.Page.ApplicationID, revision: v.Beside.Revision}
	return [][]Button{
		row(Button{Label: "question_upper", Args: initials(v.Whose), Press: upper.press(pressChoose)}),
		row(Button{Label: "question_lower", Args: initials(v.Whose), Press: lower.press(pressChoose)}),
	}
}

// isOpen reports whether a page is there and is a question.
func isOpen(l *service.ScanPageLine) bool { return l != nil && l.State == service.PageQuestion }

// decidedRows are the buttons under a page that is no question now.
func (b *Bot) decidedRows(v *service.QuestionView) [][]Button {
	var out [][]Button
	if v.Exam.ID != 0 && (v.Page.State == service.PageAside || v.Page.State == service.PageMatched) {
		out = append(out, row(Button{Label: "question_take_back", Press: Press{pressQuestionUndo, v.Page.ID, v.Page.Revision}}))
	}
	if v.Whose != nil {
		out = append(out, row(Button{Press: Press{pressApplication, v.Whose.ID, 0}, Args: v.Whose.Number}))
	}
	if v.Count > 0 {
		out = append(out, row(Button{Press: Press{pressQuestions, v.Exam.ID, 0}, Args: v.Count}))
	}
	if v.Page.State == service.PageAside {
		out = append(out, row(Button{Press: Press{pressPages, v.Page.BatchID, 0}}))
	}
	return append(out, b.pageFoot(v))
}

// pageFoot leads out.
func (b *Bot) pageFoot(v *service.QuestionView) []Button {
	menu := Button{Press: Press{Do: pressMenu}}
	if v.Exam.ID == 0 {
		return row(menu)
	}
	return row(Button{Press: Press{pressExam, v.Exam.ID, 0}, Args: v.Exam.Number}, menu)
}

// undoRow takes the last decision back.
func undoRow(l *service.ScanPageLine) []Button {
	return row(Button{Label: "question_undo_last", Args: l, Press: Press{pressQuestionUndo, l.ID, l.Revision}})
}

func applicationsOf(list []service.LikelyApplication) []service.Application {
	out := make([]service.Application, 0, len(list))
	for i := range list {
		out = append(out, list[i].Application)
	}
	return out
}

// shortTail is how much of the end of a registration number a button shows at
// least, in letters: four digits and the last one.
const shortTail = 6

// ownerViews are applications as buttons name them. The ends of their numbers are
// as long as it takes to tell namesakes apart.
func ownerViews(list []service.Application) []ownerView {
	length, most := shortTail, 0
	for i := range list {
		most = max(most, len(list[i].RegistrationNumber))
	}
	for ; length < most; length++ {
		seen := map[string]bool{}
		for i := range list {
			seen[tail(list[i].RegistrationNumber, length)] = true
		}
		if len(seen) == len(list) {
			break
		}
	}
	out := make([]ownerView, 0, len(list))
	for i := range list {
		a := &list[i]
		out = append(out, ownerView{Name: initials(a), Tail: tail(a.RegistrationNumber, length), Loaded: a.ScanID != 0})
	}
	return out
}

// tail is the end of a number.
func tail(number string, letters int) string {
	r := []rune(number)
	return string(r[max(0, len(r)-letters):])
}

// shownLast is how much of a last name a button shows, in letters, so that the
// number after it is not cut off on a phone, where about 30 letters stand.
const shownLast = 14

// initials is a name as lists shorten it: «Каримов А. Р.».
func initials(a *service.Application) string {
	out := []string{shortened(a.LastName, shownLast)}
	for _, name := range []string{a.FirstName, a.MiddleName} {
		if first, _ := utf8.DecodeRuneInString(name); name != "" {
			out = append(out, string(first)+".")
		}
	}
	return strings.Join(out, " ")
}

// choosePressed says whose certificate a page is.
func (b *Bot) choosePressed(ctx context.Context, t *Turn) (Reply, error) {
	c := choiceOf(t.Press)
	l, err := b.Questions.Choose(ctx, t.By, c.in())
	if err != nil {
		return b.askMore(ctx, t, c, err)
	}
	return b.nextQuestion(ctx, t, l.AskedIn, l.ID)
}

// askMore asks for the word that a choice lacks; any other refusal goes up.
func (b *Bot) askMore(ctx context.Context, t *Turn, c questionChoice, cause error) (Reply, error) {
	e := service.AsError(cause)
	if e.Reason == service.ReasonQuestionUnsupported {
		return b.askLooked(ctx, t, c)
	}
	if e.Reason == service.ReasonScanLoaded {
		return b.askReplace(ctx, t, c)
	}
	if fault, isBlank := e.Data.(service.BlankFault); isBlank {
		return b.askBlank(ctx, t, c, e.Reason, fault)
	}
	return Reply{}, cause
}

// askScreen is the card of a page on which a choice is asked about.
func (b *Bot) askScreen(ctx context.Context, t *Turn, c questionChoice) (questionScreen, error) {
	v, err := b.Questions.Question(ctx, t.By, c.page)
	if err != nil {
		return questionScreen{}, err
	}
	s := b.screenOf(t, v)
	a, err := b.Exams.Application(ctx, t.By, c.application)
	if err != nil {
		return s, err
	}
	s.Picked = &a.Application
	return s, nil
}

// askLooked shows the lines of the page beside the person that nothing on it
// speaks for.
func (b *Bot) askLooked(ctx context.Context, t *Turn, c questionChoice) (Reply, error) {
	s, err := b.askScreen(ctx, t, c)
	if err != nil {
		return Reply{}, err
	}
	yes := Button{Label: "question_yes", Press: c.with(saidLooked).press(pressChoose)}
	r := Reply{Text: "question_sure", Data: s, Rows: [][]Button{row(yes), row(b.backTo(c))}}
	if r.Photo = b.pagePicture(ctx, t, c.page, 0, true); r.Photo == nil { // nobody can compare what they do not see
		r.Text, r.Rows = "question_unseen", r.Rows[1:]
	}
	return b.inPlace(t, r), nil
}

// backTo leads back to the question of a choice.
func (b *Bot) backTo(c questionChoice) Button {
	return Button{Label: "back", Press: Press{pressQuestion, c.page, 0}}
}

// askReplace shows the page above the one whose scan stands.
func (b *Bot) askReplace(ctx context.Context, t *Turn, c questionChoice) (Reply, error) {
	s, err := b.askScreen(ctx, t, c)
	if err != nil {
		return Reply{}, err
	}
	old, beside, err := b.Questions.LoadedAt(ctx, t.By, c.application)
	if err != nil {
		return Reply{}, err
	}
	s.Old, s.Under = old, beside != 0
	r := Reply{Text: "question_replace", Data: s, Rows: [][]Button{
		row(Button{Label: "scan_replace_yes", Press: c.with(saidReplace).press(pressChoose)}), row(b.backTo(c)),
	}}
	r.Photo = b.pagePicture(ctx, t, c.page, beside, false)
	return b.inPlace(t, r), nil
}

// questionBlankView is what is asked when the blank that was read cannot be.
type questionBlankView struct {
	questionScreen
	Reason service.Reason
	Fault  service.BlankFault
}

// askBlank says what is wrong with the blank as it was read.
func (b *Bot) askBlank(ctx context.Context, t *Turn, c questionChoice, why service.Reason, fault service.BlankFault) (Reply, error) {
	s, err := b.askScreen(ctx, t, c)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "question_blank_ask", Data: questionBlankView{s, why, fault}}
	if why != service.ReasonBlankUsed {
		r.Rows = append(r.Rows, row(Button{Label: "question_outside", Press: c.with(saidOutside).press(pressChoose)}))
	}
	r.Rows = append(r.Rows,
		row(Button{Press: c.press(pressQuestionBlank)}),
		row(Button{Label: "question_unnamed", Press: c.with(saidUnnamed).press(pressChoose)}),
		row(b.backTo(c)))
	r.Photo = b.pagePicture(ctx, t, c.page, 0, false)
	return b.inPlace(t, r), nil
}

// dismissPressed says that nothing comes of a page.
func (b *Bot) dismissPressed(rule service.MatchRule) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		l, err := b.Questions.Dismiss(ctx, t.By, t.Press.ID, t.Press.Version, rule)
		if err != nil {
			return Reply{}, err
		}
		return b.nextQuestion(ctx, t, l.AskedIn, l.ID)
	}
}

// questionUndoPressed takes a decision back and shows the question again.
func (b *Bot) questionUndoPressed(ctx context.Context, t *Turn) (Reply, error) {
	l, err := b.Questions.Undo(ctx, t.By, t.Press.ID, t.Press.Version)
	if err != nil {
		return Reply{}, err
	}
	return b.pageCard(ctx, t, l.ID)
}

// againAskPressed asks what is to be read once more.
func (b *Bot) againAskPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.Questions.Question(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "question_again_ask", Data: b.screenOf(t, v), Rows: [][]Button{
		row(Button{Press: Press{pressReadAgain, v.Page.ID, v.Page.Revision}}),
	}}
	if v.Count > 1 {
		r.Rows = append(r.Rows, row(Button{Args: v.Count, Press: Press{pressReadAllAgain, v.Exam.ID, 0}}))
	}
	r.Rows = append(r.Rows, row(Button{Label: "back", Press: Press{pressQuestion, v.Page.ID, 0}}))
	r.Photo = b.pagePicture(ctx, t, v.Page.ID, 0, false)
	return b.inPlace(t, r), nil
}

// againPressed has one page read once more.
func (b *Bot) againPressed(ctx context.Context, t *Turn) (Reply, error) {
	l, err := b.Questions.Again(ctx, t.By, t.Press.ID, t.Press.Version)
	if err != nil {
		return Reply{}, err
	}
	r, err := b.nextQuestion(ctx, t, l.AskedIn, l.ID)
	r.Toast = "question_read_again"
	return r, err
}

// againAllPressed has all questions of an exam read once more.
func (b *Bot) againAllPressed(ctx context.Context, t *Turn) (Reply, error) {
	n, err := b.Questions.AgainAll(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	e, err := b.Exams.View(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "questions_read_again", Data: map[string]any{"Exam": e.Exam, "Count": n}, Rows: [][]Button{
		row(Button{Press: Press{pressQuestions, e.Exam.ID, 0}}),
		row(Button{Press: Press{pressExam, e.Exam.ID, 0}, Args: e.Exam.Number}, Button{Press: Press{Do: pressMenu}}),
	}}
	return b.inPlace(t, r), nil
}

// ownerForm is a search for whose certificate a page is.
type ownerForm struct {
	PageID   int64
	Revision int
	Find     string
	Page     int
}

// findView is what the search shows.
type findView struct {
	questionScreen
	Find string
	Page int
	More bool
	Any  bool
}

// findOwner looks for the application of a page. What is found stands under the
// picture; a text is another search, until one is chosen.
var findOwner = Wizard[ownerForm]{
	Name: "scan_question_find", Brief: true,
	Steps: []Step[ownerForm]{{
		Name: "words",
		Ask:  askOwner,
		Take: func(_ context.Context, _ *Bot, t *Turn, f *ownerForm) (Outcome, error) {
			switch {
			case t.Press != nil && t.Press.Do == pressPage && !t.typed && f.Find != "":
				f.Page = pageOf(t.Press.ID)
				return stay, nil
			case !wrote(t) || units(t.Text) > maxFind:
				return stay, unexpected(t)
			}
			f.Find, f.Page = t.Text, 0
			return stay, nil
		},
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *ownerForm) (Reply, error) {
		return b.pageCard(ctx, t, f.PageID)
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *ownerForm) (Reply, error) {
		return b.pageCard(ctx, t, f.PageID)
	},
}

// askOwner asks what to look for, or shows what was found.
func askOwner(ctx context.Context, b *Bot, t *Turn, f *ownerForm) (Reply, error) {
	v, err := b.Questions.Question(ctx, t.By, f.PageID)
	if err != nil {
		return Reply{}, err
	}
	shown := findView{questionScreen: b.screenOf(t, v), Find: f.Find, Page: f.Page}
	r := Reply{Text: "question_find"}
	if f.Find != "" {
		found, err := b.Questions.Search(ctx, t.By, f.PageID, f.Find, f.Page*pageSize, pageSize)
		if err != nil {
			return Reply{}, err
		}
		shown.More, shown.Any = found.More, len(found.Items) > 0
		owners := ownerViews(found.Items)
		for i := range found.Items {
			c := questionChoice{page: f.PageID, application: found.Items[i].ID, revision: f.Revision}
			r.Rows = append(r.Rows, row(Button{Args: owners[i], Press: c.press(pressChoose)}))
		}
		r.Rows = append(r.Rows, turnPages(f.Page, found.More, func(p int) Press { return t.inTalk(pressPage, int64(p)) })...)
	}
	r.Data = shown
	r.Rows = append(r.Rows, row(Button{Label: "question_back", Press: Press{pressQuestion, f.PageID, 0}}))
	r.Photo = b.pagePicture(ctx, t, f.PageID, 0, false)
	return b.inPlace(t, r), nil
}

// otherPressed looks for somebody whom the machine did not think of.
func (b *Bot) otherPressed(ctx context.Context, t *Turn) (Reply, error) {
	if err := b.Questions.Offered(ctx, t.By, t.Press.ID, t.Press.Version); err != nil {
		return Reply{}, err
	}
	return b.begin(ctx, t, findOwner, ownerForm{PageID: t.Press.ID, Revision: t.Press.Version})
}

// ownBlankForm is what must be known before a page with a doubtful blank is
// somebody's scan.
type ownBlankForm struct {
	blankForm
	PageID        int64
	ApplicationID int64
	Revision      int
	Said          int
}

func (f *ownBlankForm) choice() questionChoice {
	return questionChoice{page: f.PageID, application: f.ApplicationID, revision: f.Revision, said: said(f.Said)}
}

// nameOwnBlank asks for the blank of a page whose number was read wrong.
var nameOwnBlank = Wizard[ownBlankForm]{
	Name: "scan_question_blank", Brief: true,
	Steps: []Step[ownBlankForm]{blankStep(
		func(f *ownBlankForm) int64 { return f.ApplicationID },
		func(f *ownBlankForm) *blankForm { return &f.blankForm },
		func(context.Context, *Bot, *Turn, *ownBlankForm) (Outcome, error) { return finish, nil },
	)},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *ownBlankForm) (Reply, error) {
		in := f.choice().in()
		in.Blank, in.Outside = f.Blank, f.Outside
		l, err := b.Questions.Choose(ctx, t.By, in)
		if err != nil {
			return Reply{}, err
		}
		return b.nextQuestion(ctx, t, l.AskedIn, l.ID)
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *ownBlankForm) (Reply, error) {
		return b.pageCard(ctx, t, f.PageID)
	},
}

func (b *Bot) questionBlankPressed(ctx context.Context, t *Turn) (Reply, error) {
	c := choiceOf(t.Press)
	if err := b.Questions.Offered(ctx, t.By, c.page, c.revision); err != nil {
		return Reply{}, err
	}
	return b.begin(ctx, t, nameOwnBlank, ownBlankForm{
		PageID: c.page, ApplicationID: c.application, Revision: c.revision, Said: int(c.said),
	})
}

// pagesView is a list of the pages of a batch.
type pagesView struct {
	*service.BatchPages
	Page int
	Zone string
}

// pagesPressed lists the pages of a batch that were set aside.
func (b *Bot) pagesPressed(ctx context.Context, t *Turn) (Reply, error) {
	r, err := b.pageList(ctx, t, t.Press.ID, pageOf(int64(t.Press.Version)-1))
	if t.Press.Version == 0 {
		r.Edit = false // it is opened under reports that must stay
	}
	return r, err
}

func (b *Bot) pageList(ctx context.Context, t *Turn, batchID int64, page int) (Reply, error) {
	list, err := b.Questions.Pages(ctx, t.By, batchID, []service.PageState{service.PageAside}, page*pageSize, pageSize)
	if err != nil {
		return Reply{}, err
	}
	if len(list.Pages) == 0 && page > 0 { // there are fewer now
		return b.pageList(ctx, t, batchID, 0)
	}
	r := Reply{Text: "pages_aside", Data: pagesView{list, page, t.By.Zone}}
	for i := range list.Pages {
		l := &list.Pages[i]
		l.File, l.Name = shortened(l.File, shownName), shortened(l.Name, shownName)
		r.Rows = append(r.Rows, row(Button{Label: "page_item", Args: l, Press: Press{pressQuestion, l.ID, 0}}))
	}
	r.Rows = append(r.Rows, turnPages(page, (page+1)*pageSize < list.Count, func(p int) Press { return Press{pressPages, batchID, p + 1} })...)
	menu := Button{Press: Press{Do: pressMenu}}
	if list.Exam != nil {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressExam, list.Exam.ID, 0}, Args: list.Exam.Number}, menu))
	} else {
		r.Rows = append(r.Rows, row(menu))
	}
	r = b.inPlace(t, r)
	r.Name = ""
	return r, nil
}

// questionApplicationRows are this subject's rows of buttons on an application's
// card.
func (b *Bot) questionApplicationRows(_ *Turn, v *service.ApplicationView) [][]Button {
	if !v.Staff || v.Application.ScanSource != service.ScanByPage {
		return nil
	}
	return [][]Button{row(Button{Press: Press{pressScanPage, v.Application.ID, 0}})}
}

// scanPagePressed shows the page from which a scan came, with what was read.
func (b *Bot) scanPagePressed(ctx context.Context, t *Turn) (Reply, error) {
	_, page, err := b.Questions.LoadedAt(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if page == 0 { // another scan stands there by now
		return edited(b.applicationCard(ctx, t, t.Press.ID))
	}
	return b.pageCard(ctx, t, page)
}

// questionExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) questionExamRows(_ *Turn, v *service.ExamView) [][]Button {
	if !v.Staff || v.Questions == 0 {
		return nil
	}
	return [][]Button{row(Button{Press: Press{pressQuestions, v.Exam.ID, 0}, Args: v.Questions})}
}
