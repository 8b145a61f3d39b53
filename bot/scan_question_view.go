package bot

import (
	"context"
	"strings"
	"unicode/utf8"

	"flowbot/service"
)

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
	Number string               // see readNumber
	Picked *service.Application // of a choice that asks for one more word
	Old    *service.Scan        // that stands there
	Under  bool                 // its page is shown under the new one
}

// Uncut reports whether the page goes out as it came, as no blank was found on it.
func (s questionScreen) Uncut() bool { return s.Reading == nil || !s.Reading.Located }

// spoils reports whether replacing the scan that stands has the person say what has
// become of its blank.
func (s questionScreen) spoils() bool {
	return s.Old.BlankNumber != "" && s.Blank.Number != "" && s.Old.Blank() != s.Blank && s.Picked.BlankState == service.BlankUsed
}

// shownName is how much of a file's name is shown, in letters.
const shownName = 60

func (b *Bot) screenOf(t *Turn, v *service.QuestionView) questionScreen {
	s := questionScreen{QuestionView: v, Zone: t.By.Zone, Number: readNumber(v.Reading)}
	for _, l := range []*service.ScanPageLine{&v.Page, v.Beside} {
		if l != nil {
			l.File, l.Name = shortened(l.File, shownName), shortened(l.Name, shownName)
		}
	}
	return s
}

// readNumber is a registration number as it was read, a dot for each digit that was
// not; "" when none was.
func readNumber(r *service.PageReading) string {
	if r == nil || !strings.ContainsAny(r.Number, "0123456789") {
		return ""
	}
	return strings.ReplaceAll(r.Number, "?", "·")
}

// shortened is a text of so many letters at most.
func shortened(text string, letters int) string {
	if utf8.RuneCountInString(text) <= letters {
		return text
	}
	return string([]rune(text)[:letters-1]) + "…"
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
	if v.Exam.ID != 0 && p.SHA != "" && p.Rule != service.MatchSeveral {
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
	if v.Exam.ID != 0 && (v.Page.State == service.PageAside && !v.Page.NoPage() || v.Page.State == service.PageMatched) {
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
