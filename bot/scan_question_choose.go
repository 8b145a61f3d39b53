package bot

import (
	"context"
	"slices"

	"flowbot/service"
)

// A choice stands in a button as two numbers: the page and the application in the
// ID, the page's revision and what the person has said about it in the Version.
const (
	applicationBits = 31
	saidBits        = 5
)

// said is what a person has said about a choice.
type said int

const (
	saidLooked   said = 1 << iota // this is the right person, although no reading supports it
	saidReplace                   // the loaded scan is to be replaced
	saidOutside                   // the blank is in no recorded range
	saidUnnamed                   // the blank is named later
	saidMistaken                  // the blank of the replaced scan was said by mistake
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
		Outside: c.said&saidOutside != 0, Unnamed: c.said&saidUnnamed != 0, Mistaken: c.said&saidMistaken != 0,
	}
}

// choosePressed says whose certificate a page is.
func (b *Bot) choosePressed(ctx context.Context, t *Turn) (Reply, error) {
	c := choiceOf(t.Press)
	l, err := b.Questions.Choose(ctx, t.By, c.in())
	if err != nil {
		return b.askMore(ctx, t, c, err)
	}
	r, err := b.nextQuestion(ctx, t, l.AskedIn, l.ID)
	if l.State == service.PageAside {
		r.Toast = "question_is_scan"
	}
	return r, err
}

// askMore asks for the word that a choice lacks, or shows the question again when
// no word helps; any other refusal goes up.
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
	refused := []service.Reason{service.ReasonScanAnothers, service.ReasonScanElsewhere, service.ReasonScanNamesake, service.ReasonScanSeveral}
	if slices.Contains(refused, e.Reason) {
		r, err := b.pageCard(ctx, t, c.page)
		r.Lead, r.LeadData = string(e.Reason), e.Data
		return r, err
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
		row(Button{Label: "scan_replace_yes", Press: c.with(saidReplace).press(pressChoose)}),
	}}
	if s.spoils() {
		r.Rows = [][]Button{
			row(Button{Label: "question_replace_spoil", Press: c.with(saidReplace).press(pressChoose)}),
			row(Button{Label: "question_replace_free", Press: c.with(saidReplace | saidMistaken).press(pressChoose)}),
		}
	}
	r.Rows = append(r.Rows, row(b.backTo(c)))
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
		in.Blank, in.Outside, in.Mistaken = f.Blank, f.Outside, f.Mistaken
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
