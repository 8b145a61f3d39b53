package bot

import (
	"context"

	"flowbot/service"
)

// lostRows let say what became of a scan that left without an answer.
func lostRows(a *service.Application) [][]Button {
	return [][]Button{
		row(Button{Press: Press{pressArrived, a.ID, a.Revision}}),
		row(Button{Press: Press{pressUnsent, a.ID, a.Revision}}),
	}
}

// lostScreen tells that nobody knows whether a scan has arrived, and lets a person
// decide, if nobody has yet.
func (b *Bot) lostScreen(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.Exams.Application(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if !v.Delivery.Unknown() {
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonDeliveryUnconfirmed}
	}
	rows := append(lostRows(&v.Application), row(Button{Label: "back", Press: Press{pressApplication, v.Application.ID, 0}}))
	return Reply{Text: "delivery_lost", Data: v, Edit: true, Rows: rows}, nil
}

// believing asks before a scan counts as delivered: nothing takes that back.
func (b *Bot) believing(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 { // typed: a list of who did not get theirs leads on
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressReach)
	}
	v, err := b.Exams.Application(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if !v.Delivery.Unknown() {
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonDeliveryNotLost}
	}
	return Reply{Text: "delivery_arrived_ask", Data: v, Edit: true, Rows: [][]Button{row(
		Button{Press: Press{pressBelieve, v.Application.ID, v.Application.Revision}},
		Button{Label: "back", Press: Press{pressApplication, v.Application.ID, 0}},
	)}}, nil
}

// decideLost takes a person's word for what became of a scan. Of one that was not
// sent it asks whether it is to go now.
func (b *Bot) decideLost(arrived bool) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 { // typed: a list of who did not get theirs leads on
			return b.chooseExam(ctx, t, service.ExamFilter{}, pressReach)
		}
		if err := b.Deliveries.DecideLost(ctx, t.By, t.Press.ID, t.Press.Version, arrived); err != nil {
			return Reply{}, err
		}
		v, err := b.Exams.Application(ctx, t.By, t.Press.ID)
		if err != nil {
			return Reply{}, err
		}
		toast := "delivery_unsent_noted"
		if arrived {
			toast = "delivery_arrived_noted"
		}
		if v.Delivery.Again() && v.Exam.PausedAt == nil {
			r := againAsk(v)
			r.Toast = toast
			return r, nil
		}
		r, err := edited(b.applicationCard(ctx, t, t.Press.ID))
		r.Toast = toast
		return r, err
	}
}

// renderLost tells an admin what was decided on a scan that left without an answer.
func (b *Bot) renderLost(ctx context.Context, to service.Actor, n service.LostNotice) (letter, error) {
	v, err := b.Deliveries.LostTold(ctx, to, n)
	if err != nil {
		return gone(err)
	}
	return letter{Reply: Reply{Text: "delivery_lost_told", Data: v, Rows: [][]Button{row(
		Button{Press: Press{pressApplication, v.Application.ID, 0}, Args: v.Application.Number}, Button{Press: Press{Do: pressMenu}},
	)}}}, nil
}
