package bot

import (
	"context"

	"flowbot/service"
)

// Buttons of the pages that a person decides on. The ID is the page's and the
// Version its revision, unless said otherwise. Typed without a page they lead to
// the questions.
const (
	pressQuestions     Action = "sql" // «Нераспознанные»; ID is the exam's, Version the batch whose come first, 0 for none
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

// questionCard is the name of the living card of the questions: a person has one.
const questionCard = "scan_question"

// questionsPressed shows the first question of an exam, of the batch that was told
// of if any, or lets choose the exam.
func (b *Bot) questionsPressed(ctx context.Context, t *Turn) (Reply, error) {
	if !t.By.Has(service.RoleCenterStaff) {
		return Reply{}, &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	}
	if t.Press.ID == 0 || t.Press.Do != pressQuestions {
		return b.chooseQuestions(ctx, t)
	}
	v, err := b.Questions.First(ctx, t.By, t.Press.ID, int64(t.Press.Version))
	if err != nil {
		return Reply{}, err
	}
	return b.shownQuestion(ctx, t, t.Press.ID, v)
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
	r, err := b.chooseExam(ctx, t, asked, pressQuestions)
	if err != nil || r.Text != "choose_exam" {
		return r, err
	}
	return r, b.countQuestions(ctx, t, r.Rows)
}

// askedExam is an exam among which one with questions is chosen.
type askedExam struct {
	service.ExamItem
	Questions int
}

// countQuestions has buttons of exams say how many questions each has.
func (b *Bot) countQuestions(ctx context.Context, t *Turn, rows [][]Button) error {
	for _, buttons := range rows {
		for i := range buttons {
			e, isExam := buttons[i].Args.(service.ExamItem)
			if !isExam {
				continue
			}
			n, err := b.Questions.Count(ctx, t.By, e.ID)
			if err != nil {
				return err
			}
			buttons[i].Label, buttons[i].Args = "questions_exam", askedExam{e, n}
		}
	}
	return nil
}

// nextQuestion shows the question of an exam that follows a page.
func (b *Bot) nextQuestion(ctx context.Context, t *Turn, examID, after int64) (Reply, error) {
	v, err := b.Questions.Next(ctx, t.By, examID, after)
	if err != nil {
		return Reply{}, err
	}
	return b.shownQuestion(ctx, t, examID, v)
}

// shownQuestion shows a question of an exam, nil for none that is left.
func (b *Bot) shownQuestion(ctx context.Context, t *Turn, examID int64, v *service.QuestionView) (Reply, error) {
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
