package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"flowbot/service"
)

// Buttons about scans on their way to candidates. The ID is the exam's or the
// application's, unless said otherwise.
const (
	pressGiving    Action = "dln" // «Выдать сейчас»: asks first
	pressGive      Action = "dly" // Version is that of the plan
	pressPause     Action = "dlp" // Version is the exam's revision
	pressResume    Action = "dlr" // the same
	pressResendAsk Action = "dla" // «Отправить снова»: asks first
	pressResendNow Action = "dlb" // Version is the application's revision
	pressRecalling Action = "dlc" // «Отозвать скан»: asks first
	pressRecall    Action = "dld" // ID is the delivery's, Version the application's revision
	pressArrived   Action = "dle" // «Считать полученным»: asks first
	pressUnsent    Action = "dlf" // «Считать неотправленным»; Version is the application's revision
	pressBelieve   Action = "dlg" // of pressArrived: the word that it asks for; the same
)

func (b *Bot) deliveryActions() []action {
	return []action{
		{pressGiving, "delivery_now", b.giving},
		{pressGive, "delivery_now_yes", b.give},
		{pressPause, "delivery_pause", b.pauseDelivery},
		{pressResume, "delivery_resume", b.resumeDelivery},
		{pressResendAsk, "delivery_again", b.sendingAgain},
		{pressResendNow, "delivery_again_yes", b.sendAgain},
		{pressRecalling, "delivery_recall", b.recalling},
		{pressRecall, "delivery_recall_yes", b.recall},
		{pressArrived, "delivery_arrived", b.believing},
		{pressBelieve, "delivery_arrived_yes", b.decideLost(true)},
		{pressUnsent, "delivery_unsent", b.decideLost(false)},
	}
}

// deliveryNotices are the notices of this subject.
func (b *Bot) deliveryNotices() map[string]notice {
	return map[string]notice{
		service.RecallNotice{}.NoticeKind():    {each(b.renderRecall), true},
		service.WithdrawnNotice{}.NoticeKind(): {each(b.renderWithdrawn), true},
		service.LostNotice{}.NoticeKind():      {each(b.renderLost), true},

		service.ApplicationNotice{}.NoticeKind(): {each(b.renderApplication), true},
	}
}

// deliveryRows are the buttons about the deliveries of an exam: «Выдать сейчас»
// with how many, where there are any, and «Приостановить», or «Возобновить выдачу»
// alone.
func deliveryRows(e *service.Exam, going int) [][]Button {
	if e.PausedAt != nil {
		return [][]Button{row(Button{Press: Press{pressResume, e.ID, e.Revision}})}
	}
	var buttons []Button
	if going > 0 {
		buttons = append(buttons, Button{Args: going, Press: Press{pressGiving, e.ID, 0}})
	}
	return [][]Button{append(buttons, Button{Press: Press{pressPause, e.ID, e.Revision}})}
}

// deliveryExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) deliveryExamRows(_ *Turn, v *service.ExamView) [][]Button {
	if !v.Staff || v.Exam.PausedAt == nil {
		return nil // they stand under the list of candidates
	}
	return deliveryRows(&v.Exam, 0)
}

// deliveryApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) deliveryApplicationRows(_ *Turn, v *service.ApplicationView) [][]Button {
	if !v.Staff {
		return nil
	}
	var out [][]Button
	if q := v.Delivery.Question; q != nil {
		out = append(out, openQuestionRows([]service.OpenQuestion{*q})...)
	}
	if v.Delivery.Unknown() {
		out = append(out, lostRows(&v.Application)...)
	}
	if v.Delivery.Again() && v.Exam.PausedAt == nil {
		out = append(out, row(Button{Press: Press{pressResendAsk, v.Application.ID, 0}}))
	}
	if v.Delivery.Recallable {
		out = append(out, row(Button{Press: Press{pressRecalling, v.Application.ID, 0}}))
	}
	return out
}

// giving asks before scans go out whose hold is not over, in a message of its own:
// the button stands under reports that must stay.
func (b *Bot) giving(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{GivableAt: b.now()}, pressGiving)
	}
	plan, err := b.Deliveries.PlanGiving(ctx, t.By, t.Press.ID)
	if err != nil {
		return nothingToGive(err)
	}
	rows := append([][]Button{row(
		Button{Press: Press{pressGive, plan.Exam.ID, plan.Version}},
		Button{Label: "back", Press: Press{pressReach, plan.Exam.ID, 0}},
	)}, openQuestionRows(plan.Questions)...)
	return Reply{Text: "delivery_give_ask", Data: plan, Rows: rows}, nil
}

// noGivingCard is the name of the living card that says why nothing can go.
const noGivingCard = "delivery_nothing"

// nothingToGive says why no scan can go before its time, with ways on; any other
// refusal goes up.
func nothingToGive(cause error) (Reply, error) {
	plan, isPlan := service.AsError(cause).Data.(service.GivePlan)
	if !isPlan {
		return Reply{}, cause
	}
	r := Reply{Text: string(service.ReasonDeliveryNothing), Data: plan, Name: noGivingCard, Rows: openQuestionRows(plan.Questions)}
	r.Rows = append(r.Rows, row(Button{Press: Press{pressReach, plan.Exam.ID, 0}}))
	r.Rows = append(r.Rows, examRows(plan.Exam.ID, plan.Exam.Number)...)
	return r, nil
}

// openQuestionRows lead to questions that withhold scans.
func openQuestionRows(questions []service.OpenQuestion) [][]Button {
	var out [][]Button
	for _, q := range questions {
		out = append(out, row(Button{Label: "questions_of", Args: q.Exam, Press: Press{pressQuestion, q.PageID, 0}}))
	}
	return out
}

// give has them go. Of other scans than the person was asked about it asks anew.
func (b *Bot) give(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.giving(ctx, t)
	}
	plan, err := b.Deliveries.Give(ctx, t.By, t.Press.ID, t.Press.Version)
	if service.ReasonOf(err) == service.ReasonDeliveryChanged {
		r, err := b.giving(ctx, t)
		r.Lead, r.Edit = string(service.ReasonDeliveryChanged), true
		return r, err
	}
	if err != nil {
		return nothingToGive(err)
	}
	rows := append([][]Button{row(Button{Press: Press{pressReach, plan.Exam.ID, 0}})}, openQuestionRows(plan.Questions)...)
	rows = append(append(rows, deliveryRows(&plan.Exam, 0)...), examRows(plan.Exam.ID, plan.Exam.Number)...)
	return Reply{Text: "delivery_given", Data: plan, Edit: true, Rows: rows}, nil
}

func (b *Bot) pauseDelivery(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{Scheduled: true}, pressPause)
	}
	if err := b.Deliveries.Pause(ctx, t.By, t.Press.ID, t.Press.Version); err != nil {
		return Reply{}, err
	}
	return b.pauseTold(ctx, t, "delivery_paused")
}

func (b *Bot) resumeDelivery(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{Paused: true}, pressResume)
	}
	if err := b.Deliveries.Resume(ctx, t.By, t.Press.ID, t.Press.Version); err != nil {
		return Reply{}, err
	}
	return b.pauseTold(ctx, t, "delivery_resumed")
}

// pauseTold says that a pause has begun or ended, in a message of its own: the
// button stands under reports that must stay.
func (b *Bot) pauseTold(ctx context.Context, t *Turn, text string) (Reply, error) {
	v, err := b.Exams.View(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	rows := append(deliveryRows(&v.Exam, 0), row(Button{Press: Press{pressReach, v.Exam.ID, 0}}))
	return Reply{Text: text, Data: v.Exam, Rows: append(rows, examRows(v.Exam.ID, v.Exam.Number)...)}, nil
}

// sendingAgain asks before a scan goes out once more.
func (b *Bot) sendingAgain(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 { // typed: a list of who did not get theirs leads on
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressReach)
	}
	v, err := b.Exams.Application(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if v.Delivery.Lost {
		return b.lostScreen(ctx, t)
	}
	if !v.Delivery.Again() {
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonDeliveryNoAgain}
	}
	return againAsk(v), nil
}

// againAsk asks whether a scan is to go out once more.
func againAsk(v *service.ApplicationView) Reply {
	return Reply{Text: "delivery_again_ask", Data: v, Edit: true, Rows: [][]Button{row(
		Button{Press: Press{pressResendNow, v.Application.ID, v.Application.Revision}},
		Button{Label: "back", Press: Press{pressApplication, v.Application.ID, 0}},
	)}}
}

func (b *Bot) sendAgain(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.sendingAgain(ctx, t)
	}
	if err := b.Deliveries.SendAgain(ctx, t.By, t.Press.ID, t.Press.Version); err != nil {
		return Reply{}, err
	}
	r, err := b.applicationOnItsWay(ctx, t, t.Press.ID, "delivery_again_done")
	if v, shown := r.Data.(applicationCardView); shown && v.Delivery.QuietUntil != nil {
		r.Toast = "delivery_again_later"
	}
	return r, err
}

// applicationOnItsWay shows an application of whose scan something is awaited, and is
// renewed when that has come.
func (b *Bot) applicationOnItsWay(ctx context.Context, t *Turn, id int64, toast string) (Reply, error) {
	r, err := edited(b.applicationCard(ctx, t, id))
	r.Toast, r.Live = toast, service.ApplicationNotice{ApplicationID: id}
	return r, err
}

// renderApplication renews the card of an application.
func (b *Bot) renderApplication(ctx context.Context, to service.Actor, n service.ApplicationNotice) (letter, error) {
	r, err := b.applicationCard(ctx, &Turn{By: to}, n.ApplicationID)
	if err != nil {
		return gone(err)
	}
	return b.renew(ctx, to, n, r)
}

// undeliveredScans has staff see that scans did not arrive, or may not have.
func (b *Bot) undeliveredScans(ctx context.Context, batch []json.RawMessage) error {
	list := make([]service.DeliveryNotice, 0, len(batch))
	for _, raw := range batch {
		var n service.DeliveryNotice
		if err := json.Unmarshal(raw, &n); err != nil {
			return fmt.Errorf("decode notice: %w", err)
		}
		list = append(list, n)
	}
	return b.Deliveries.Undelivered(ctx, list)
}

// recallScreen is what is asked before a scan is recalled.
type recallScreen struct {
	*service.ApplicationView
	Choices []service.RecallChoice
	Zone    string
}

// Several tells that more than one message can go at once.
func (s recallScreen) Several() bool {
	return slices.ContainsFunc(s.Choices, func(c service.RecallChoice) bool { return c.Messages > 1 })
}

// recallButton tells one of several deliveries from the others.
type recallButton struct {
	At      time.Time
	Zone    string
	Several bool
}

// recalling asks before a scan is taken back.
func (b *Bot) recalling(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 { // typed: an application's card leads on
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressTable)
	}
	a, choices, err := b.Deliveries.RecallChoices(ctx, t.By, t.Press.ID)
	if service.ReasonOf(err) == service.ReasonDeliveryUnconfirmed {
		return b.lostScreen(ctx, t)
	}
	if err != nil {
		return Reply{}, err
	}
	v, err := b.Exams.Application(ctx, t.By, a.ID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "delivery_recall_ask", Data: recallScreen{v, choices, t.By.Zone}, Edit: true}
	for _, c := range choices {
		args := recallButton{c.SentAt, t.By.Zone, len(choices) > 1}
		r.Rows = append(r.Rows, row(Button{Args: args, Press: Press{pressRecall, c.DeliveryID, a.Revision}}))
	}
	r.Rows = append(r.Rows, row(Button{Label: "back", Press: Press{pressApplication, a.ID, 0}}))
	return r, nil
}

func (b *Bot) recall(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.recalling(ctx, t)
	}
	a, err := b.Deliveries.Recall(ctx, t.By, t.Press.ID, t.Press.Version)
	if err != nil {
		return Reply{}, err
	}
	return b.applicationOnItsWay(ctx, t, a.ID, "delivery_recall_begun")
}

// recallTold is what is told of a recall.
type recallTold struct {
	*service.RecallView
	Zone string
}

// renderRecall tells of a scan that went to a wrong chat.
func (b *Bot) renderRecall(ctx context.Context, to service.Actor, n service.RecallNotice) (letter, error) {
	v, err := b.Deliveries.RecallTold(ctx, to, n)
	if err != nil {
		return gone(err)
	}
	l := letter{Reply: Reply{Text: "delivery_recall_told", Data: recallTold{v, to.Zone}}}
	if v.Staff && v.Linked {
		l.Rows = append(l.Rows, row(Button{Press: Press{pressUnlinking, v.Application.ID, 0}}))
	}
	l.Rows = append(l.Rows, row(
		Button{Press: Press{pressApplication, v.Application.ID, 0}, Args: v.Application.Number}, Button{Press: Press{Do: pressMenu}}))
	return l, nil
}

// renderWithdrawn tells somebody why a message is missing in their chat, in the
// language in which it came: they may be no candidate any more.
func (b *Bot) renderWithdrawn(_ context.Context, to service.Actor, _ service.WithdrawnNotice) (letter, error) {
	text := b.texts[to.Language]
	if text == nil {
		text = b.text
	}
	return letter{Reply: Reply{Text: "candidate_withdrawn", text: text}}, nil
}
