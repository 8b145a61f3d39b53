package bot

import (
	"context"

	"flowbot/service"
)

// checkView is loadView with the file and what was read on it.
func (b *Bot) checkView(ctx context.Context, t *Turn, f *loadForm) (loadView, error) {
	v, err := b.loadView(ctx, t, f)
	if err != nil {
		return v, err
	}
	v.File, err = b.Uploads.Current(ctx, t.By, service.UploadScan, f.ApplicationID)
	if err != nil || v.File == nil || v.File.State != service.UploadAccepted {
		return v, err
	}
	if v.Other, err = b.Scans.NamedFor(ctx, t.By, f.ApplicationID, v.File.Name); err != nil {
		return v, err
	}
	if v.Look, err = b.Scans.Look(ctx, t.By, f.ApplicationID, service.SaidScan{Blank: f.Blank, RegistrationNumber: f.RegistrationNumber}); err != nil {
		return v, err
	}
	v.Read = readNumber(v.Look.Reading)
	return v, nil
}

// askLoadNow shows everything beside what is known and was read, and asks before it
// is loaded.
func askLoadNow(ctx context.Context, b *Bot, t *Turn, f *loadForm) (Reply, error) {
	v, err := b.checkView(ctx, t, f)
	if err != nil {
		return Reply{}, err
	}
	load := row(Button{Press: t.inTalk(pressLoadNow, 0)})
	if v.Look != nil && v.Look.Refused != "" {
		load = row(Button{Label: "remove_file", Args: v.File.Name, Press: t.inTalk(pressRemove, v.File.ID)})
	}
	r := Reply{Text: "scan_check", Data: v, Card: true, Rows: [][]Button{
		load,
		row(Button{Press: t.inTalk(pressReblank, 0)}),
		row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}),
	}}
	if v.Look == nil {
		return r, nil
	}
	picture, err := b.Uploads.Picture(ctx, t.By, service.UploadScan, f.ApplicationID)
	if err != nil {
		return Reply{}, err
	}
	r.Photo = &Attachment{Name: "scan.jpg", Open: picture.Open}
	return r, nil
}

func takeLoadNow(ctx context.Context, b *Bot, t *Turn, f *loadForm) (Outcome, error) {
	switch {
	case t.Press == nil:
	case t.Press.Do == pressLoadNow:
		return b.loadNow(ctx, t, f)
	case t.Press.Do == pressRemove && !t.typed:
		return goingTo("file"), b.Uploads.Remove(ctx, t.By, t.Press.ID)
	case t.Press.Do == pressReblank:
		f.Checked = true
		return goingTo("blank"), nil
	case t.Press.Do == pressDone && !t.typed: // of the step before, tapped twice
		return stay, nil
	}
	return stay, unexpected(t)
}

// loadNow goes on to load a file, to the question whether it was compared when no
// reading supports it, or nowhere when it cannot be loaded: the card says why.
func (b *Bot) loadNow(ctx context.Context, t *Turn, f *loadForm) (Outcome, error) {
	v, err := b.checkView(ctx, t, f)
	switch {
	case err != nil:
		return stay, err
	case v.Look == nil || v.Look.Supported && v.Look.Refused == "": // without a file loading says so
		return finish, nil
	case v.Look.Refused != "":
		return stay, nil
	}
	return next, nil
}

// askCompared shows the lines of the page beside the person that nothing on it speaks
// for, as the same question about a page of a batch does.
func askCompared(ctx context.Context, b *Bot, t *Turn, f *loadForm) (Reply, error) {
	v, err := b.checkView(ctx, t, f)
	if err != nil {
		return Reply{}, err
	}
	if v.Look == nil { // taken out meanwhile
		return askLoadNow(ctx, b, t, f)
	}
	shown := &service.QuestionView{Exam: v.Exam, Reading: v.Look.Reading, Likely: v.Look.Likely, Called: v.Look.Called, Whose: v.Look.Whose}
	shown.Page.Rule = v.Look.Rule
	s := b.screenOf(t, shown)
	s.Number = v.Read
	picked := v.Application
	picked.RegistrationNumber = f.RegistrationNumber
	s.Picked = &picked
	r := Reply{Text: "question_sure", Data: s, Card: true, Rows: [][]Button{
		row(Button{Label: "question_yes", Press: t.inTalk(pressDone, sure)}),
		row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}),
	}}
	lines, err := b.Scans.Lines(ctx, t.By, f.ApplicationID)
	if err != nil { // nobody can compare what they do not see
		b.log.ErrorContext(ctx, "picture of an upload", "upload", v.File.ID, "err", err)
		r.Text, r.Rows = "question_unseen", r.Rows[1:]
		return r, nil
	}
	r.Photo = &Attachment{Name: "lines.jpg", Open: lines.Open}
	return r, nil
}

// takeCompared takes the word of who has looked: the button alone, as everything that
// is typed may be meant for another question.
func takeCompared(_ context.Context, _ *Bot, t *Turn, f *loadForm) (Outcome, error) {
	switch {
	case t.Press == nil || t.typed:
	case t.Press.Do == pressDone && t.Press.ID == sure:
		f.Confirmed = true
		return finish, nil
	case t.Press.Do == pressLoadNow || t.Press.Do == pressDone: // of the steps before, tapped twice
		return stay, nil
	}
	return stay, unexpected(t)
}
