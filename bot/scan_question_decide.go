package bot

import (
	"context"

	"flowbot/service"
)

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

// againScreen is what is asked before pages are read once more.
type againScreen struct {
	questionScreen
	All service.AgainCount
}

// againAskPressed asks what is to be read once more.
func (b *Bot) againAskPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.Questions.Question(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	all, err := b.Questions.PlanAgain(ctx, t.By, v.Exam.ID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "question_again_ask", Data: againScreen{b.screenOf(t, v), all}, Rows: [][]Button{
		row(Button{Press: Press{pressReadAgain, v.Page.ID, v.Page.Revision}}),
	}}
	if v.Count > 1 && all.Read > 0 {
		r.Rows = append(r.Rows, row(Button{Args: all.Read, Press: Press{pressReadAllAgain, v.Exam.ID, 0}}))
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
	r := Reply{Text: "questions_read_again", Data: map[string]any{"Exam": e.Exam, "All": n}, Rows: [][]Button{
		row(Button{Press: Press{pressQuestions, e.Exam.ID, 0}}),
		row(Button{Press: Press{pressExam, e.Exam.ID, 0}, Args: e.Exam.Number}, Button{Press: Press{Do: pressMenu}}),
	}}
	return b.inPlace(t, r), nil
}
