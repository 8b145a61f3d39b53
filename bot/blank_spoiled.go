package bot

import (
	"context"

	"flowbot/service"
)

// unspoilForm is what must be known before a spoiled blank is taken back.
type unspoilForm struct {
	CenterID int64
	Blank    service.BlankKey
	Of       int64 // application on whose card it was asked for; 0: by number
}

// unspoil takes back that a blank is spoiled.
var unspoil = Wizard[unspoilForm]{
	Name: "blank_unspoil", Brief: true,
	Steps: []Step[unspoilForm]{
		{
			Name: "number",
			Ask: func(_ context.Context, _ *Bot, t *Turn, _ *unspoilForm) (Reply, error) {
				return Reply{Text: "blank_unspoil_number", Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})}}, nil
			},
			Take: func(ctx context.Context, b *Bot, t *Turn, f *unspoilForm) (Outcome, error) {
				if !wrote(t) {
					return stay, unexpected(t)
				}
				key, err := service.ReadBlank(t.Text)
				if err != nil {
					return stay, err
				}
				found, err := b.Blanks.Spoiled(ctx, t.By, f.CenterID, key)
				if err != nil {
					return stay, err
				}
				f.Blank = found.Key()
				return next, nil
			},
		},
		{
			Name: "check",
			Ask: func(ctx context.Context, b *Bot, t *Turn, f *unspoilForm) (Reply, error) {
				found, err := b.Blanks.Spoiled(ctx, t.By, f.CenterID, f.Blank)
				if err != nil {
					return Reply{}, err
				}
				return Reply{Text: "blank_unspoil_ask", Data: found, Rows: [][]Button{
					row(Button{Label: "blank_unspoil_yes", Press: t.inTalk(pressDone, int64(found.Revision))}),
					row(Button{Press: t.inTalk(pressCancel, 0)}),
				}}, nil
			},
			Take: func(ctx context.Context, b *Bot, t *Turn, f *unspoilForm) (Outcome, error) {
				if t.Press == nil || t.typed || t.Press.Do != pressDone {
					return stay, unexpected(t)
				}
				_, err := b.Blanks.Unspoil(ctx, t.By, f.CenterID, f.Blank, int(t.Press.ID))
				reason := service.ReasonOf(err)
				if reason == service.ReasonMovedOn { // the question says how it stands now
					return stay, nil
				}
				if reason == service.ReasonBlankSound { // it is what the person wanted
					return finish, nil
				}
				return finish, err
			},
		},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *unspoilForm) (Reply, error) {
		r, err := b.afterUnspoil(ctx, t, f)
		r.Lead, r.LeadData = "blank_unspoiled", f.Blank
		return r, err
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *unspoilForm) (Reply, error) {
		return b.afterUnspoil(ctx, t, f)
	},
}

// afterUnspoil is the card on which a spoiled blank was to be taken back.
func (b *Bot) afterUnspoil(ctx context.Context, t *Turn, f *unspoilForm) (Reply, error) {
	if f.Of != 0 {
		return edited(b.applicationCard(ctx, t, f.Of))
	}
	return edited(b.blanksCard(ctx, t, f.CenterID))
}

// unspoilPressed asks for the number of a spoiled blank of a center.
func (b *Bot) unspoilPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressUnspoil)
	}
	if _, err := b.Blanks.View(ctx, t.By, t.Press.ID); err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, unspoil, unspoilForm{CenterID: t.Press.ID}))
}

// unspoilOfPressed asks whether the blank of an application's certificate is not
// spoiled after all.
func (b *Bot) unspoilOfPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.namedApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	a := &v.Application
	switch {
	case a.BlankNumber == "":
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonBlankNone}
	case a.BlankState != service.BlankSpoiled:
		r, err := edited(b.applicationCard(ctx, t, a.ID))
		r.Lead, r.LeadData = string(service.ReasonBlankSound), service.BlankFault{
			Series: a.BlankSeries, Number: a.BlankNumber, State: a.BlankState, Application: a.Number,
		}
		return r, err
	}
	return edited(b.beginAt(ctx, t, unspoil, "check", unspoilForm{
		CenterID: v.Exam.CenterID, Blank: service.BlankKey{Series: a.BlankSeries, Number: a.BlankNumber}, Of: a.ID,
	}))
}
