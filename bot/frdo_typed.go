package bot

import (
	"context"

	"flowbot/service"
)

// reconciled is what the table has made of typed numbers.
type reconciled struct {
	Corrected []correctedNumber
	Withheld  int // see service.Reconciliation, as those below
	Confirmed int
	Matched   int
}

// correctedNumber is an application whose number or day was corrected.
type correctedNumber struct {
	ID     int64
	Number string
}

// More is how many were corrected beyond those that have a button.
func (r *reconciled) More() int { return max(0, len(r.Corrected)-pageSize) }

// askReconcile shows which typed numbers and days the table has otherwise, and asks
// before it has them its way.
func askReconcile(ctx context.Context, b *Bot, t *Turn, f *numbersForm) (Reply, error) {
	u, err := b.Uploads.Current(ctx, t.By, service.UploadNumbers, f.ExamID)
	if err != nil {
		return Reply{}, err
	}
	if f.Report, err = b.Frdo.Report(ctx, t.By, u); err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "frdo_typed", Data: f, Card: true}
	if f.Report.Reconcilable() > 0 {
		r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressReconcileYes, f.Report.Digest)}))
	}
	r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}))
	return r, nil
}

// takeReconcile has the table decide, if the report that the person was looking at
// still holds. The button alone does that: what it would change stands beside it.
func takeReconcile(ctx context.Context, b *Bot, t *Turn, f *numbersForm) (Outcome, error) {
	switch {
	case t.Press == nil || t.typed:
		return stay, unexpected(t)
	case t.Press.Do == pressReconcile: // of the step before, tapped twice
		return stay, nil
	case t.Press.Do != pressReconcileYes:
		return stay, unexpected(t)
	}
	u, err := b.Uploads.Current(ctx, t.By, service.UploadNumbers, f.ExamID)
	if err != nil {
		return stay, err
	}
	in := service.NumbersInput{ExamID: f.ExamID, Digest: t.Press.ID, UpdateID: t.UpdateID}
	if u != nil {
		in.UploadID = u.ID
	}
	made, err := b.Frdo.Reconcile(ctx, t.By, in)
	if t.Again && service.AsError(err).Kind == service.Conflict { // done by this very press, most likely
		made, err = &service.Reconciliation{}, nil
	}
	if err != nil {
		return b.reportChanged(ctx, t, f, err)
	}
	f.Reconciled = &reconciled{Withheld: made.Withheld, Confirmed: made.Confirmed, Matched: made.Matched}
	for i := range made.Corrected {
		f.Reconciled.Corrected = append(f.Reconciled.Corrected, correctedNumber{made.Corrected[i].ID, made.Corrected[i].Number})
	}
	return finish, nil
}

// reconciledCard shows the exam and leads to the applications whose scans may be
// another's.
func (b *Bot) reconciledCard(ctx context.Context, t *Turn, f *numbersForm) (Reply, error) {
	r, err := edited(b.examCard(ctx, t, f.ExamID))
	if err != nil {
		return r, err
	}
	r.Lead, r.LeadData = "frdo_reconciled", f.Reconciled
	var rows [][]Button
	for _, a := range f.Reconciled.Corrected[:min(len(f.Reconciled.Corrected), pageSize)] {
		rows = append(rows, row(Button{Press: Press{pressApplication, a.ID, 0}, Args: a.Number}))
	}
	r.Rows = append(rows, r.Rows...)
	return r, nil
}
