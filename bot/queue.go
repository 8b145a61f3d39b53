package bot

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"flowbot/service"
)

// Buttons of the operator's queue and of a review.
const (
	pressQueue    Action = "qq" // the card
	pressList     Action = "ql" // ID is a page, Version one of the filters
	pressPartner  Action = "qp" // ID is a partner, Version a page
	pressPartners Action = "qf"
	pressSearch   Action = "qs"
	pressOpen     Action = "qo" // ID is an act
	pressTake     Action = "rt" // «Взять на проверку»
	pressRelease  Action = "rl" // «Снять с себя»
	pressApprove  Action = "ra" // «Согласовать»
	pressReject   Action = "rr" // «Отклонить»
	pressNext     Action = "rn" // «Следующий»; ID is the act before, 0 for none
)

// The filters of the queue, as buttons number them. Never renumbered: old
// messages keep their buttons.
var queueFilters = []struct {
	label  string
	filter service.QueueFilter
}{
	{"queue_all", service.QueueFilter{}},
	{"queue_overdue", service.QueueFilter{Due: service.DueOverdue}},
	{"queue_today", service.QueueFilter{Due: service.DueToday}},
	{"queue_week", service.QueueFilter{Due: service.DueWeek}},
	{"queue_mine", service.QueueFilter{Mine: true}},
}

func (b *Bot) queueActions() []action {
	return []action{
		{pressQueue, "queue", b.queuePressed},
		{pressList, "queue_list", b.queueListPressed},
		{pressPartner, "queue_partner_plain", b.queuePartnerPressed},
		{pressPartners, "queue_partners", b.queuePartnersPressed},
		{pressSearch, "queue_search", b.queueSearchPressed},
		{pressOpen, "queue_open", b.openPressed},
		{pressTake, "take", b.takePressed},
		{pressRelease, "release", b.moveAct(service.ActRelease)},
		{pressApprove, "approve", b.moveAct(service.ActApprove)},
		{pressReject, "reject", b.rejectPressed},
		{pressNext, "next", b.nextPressed},
	}
}

// queueCard is the living card of the queue.
const queueCard = "queue"

// queueFresh is how long the queue's card is edited in place when packages come.
// Later a new one is sent, so that the reviewer hears of them.
const queueFresh = 10 * time.Minute

// queueView is what the card of the queue shows.
type queueView struct {
	service.QueueCounts
	Cap int
}

func (b *Bot) queueScreen(ctx context.Context, by service.Actor) (Reply, error) {
	counts, err := b.Queue.Counts(ctx, by)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "queue_card", Data: queueView{counts, service.QueueCap}, Name: queueCard}
	if counts.Waiting > 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressNext}}, Button{Label: "queue_all", Press: Press{Do: pressList}}))
		var narrowed []Button
		for i, f := range queueFilters {
			switch {
			case f.filter.Due == service.DueOverdue && counts.Overdue > 0:
				narrowed = append(narrowed, Button{Label: f.label, Args: counts.Overdue, Press: Press{Do: pressList, Version: i}})
			case f.filter.Mine && counts.Mine > 0:
				narrowed = append(narrowed, Button{Label: f.label, Args: counts.Mine, Press: Press{Do: pressList, Version: i}})
			case f.filter.Due == service.DueToday || f.filter.Due == service.DueWeek:
				narrowed = append(narrowed, Button{Label: f.label, Press: Press{Do: pressList, Version: i}})
			}
		}
		for two := range slices.Chunk(narrowed, 2) { // three do not fit a phone's width
			r.Rows = append(r.Rows, two)
		}
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressPartners}}, Button{Press: Press{Do: pressSearch}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

func (b *Bot) queuePressed(ctx context.Context, t *Turn) (Reply, error) {
	return edited(b.queueScreen(ctx, t.By))
}

// queueListView is what a page of the queue says above its buttons.
type queueListView struct {
	Title string // words of the filter
	Name  string // of the partner, or the number looked for; "" for neither
	*service.QueueList
	Page int
	Cut  bool // there is more, and no page shows it
}

// queueList shows a page of the queue; to makes the buttons to other pages, nil
// for none: what is looked for by number is found by a longer number.
func (b *Bot) queueList(ctx context.Context, t *Turn, title string, f service.QueueFilter, page int, to func(page int) Press) (Reply, error) {
	page = max(0, page)
	list, err := b.Queue.Page(ctx, t.By, f, page*pageSize, pageSize)
	if err != nil {
		return Reply{}, err
	}
	words, err := b.text.Label(title, nil)
	if err != nil {
		return Reply{}, err
	}
	v := queueListView{Title: words, Name: f.Search, QueueList: list, Page: page}
	if f.PartnerID != 0 && len(list.Items) > 0 {
		v.Name = list.Items[0].Partner
	}
	v.Cut = to == nil && list.More
	r := Reply{Text: "queue_list", Data: v, Edit: true}
	for _, item := range list.Items {
		r.Rows = append(r.Rows, row(Button{Label: "queue_item", Args: item, Press: Press{pressOpen, item.ActID, 0}}))
	}
	if to == nil {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressSearch}}))
	} else {
		r.Rows = append(r.Rows, turnPages(page, list.More, to)...)
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressQueue}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

func (b *Bot) queueListPressed(ctx context.Context, t *Turn) (Reply, error) {
	i := t.Press.Version
	if i < 0 || i >= len(queueFilters) {
		return Reply{}, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
	}
	return b.queueList(ctx, t, queueFilters[i].label, queueFilters[i].filter, int(t.Press.ID), func(p int) Press {
		return Press{pressList, int64(p), i}
	})
}

func (b *Bot) queuePartnerPressed(ctx context.Context, t *Turn) (Reply, error) {
	id := t.Press.ID
	return b.queueList(ctx, t, "queue_partner_plain", service.QueueFilter{PartnerID: id}, t.Press.Version, func(p int) Press {
		return Press{pressPartner, id, p}
	})
}

// partnersShown is how many partners fit one keyboard. Telegram allows 100
// buttons; the others are found by search.
const partnersShown = 50

func (b *Bot) queuePartnersPressed(ctx context.Context, t *Turn) (Reply, error) {
	partners, err := b.Queue.Partners(ctx, t.By, partnersShown)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "queue_partners", Data: len(partners), Edit: true}
	for _, p := range partners {
		r.Rows = append(r.Rows, row(Button{Label: "queue_partner", Args: p, Press: Press{pressPartner, p.ID, 0}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressQueue}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// searchForm is what is looked for in the queue, or among exams.
type searchForm struct{ Number string }

// searchQueue asks for the number of an act or a cohort.
var searchQueue = Wizard[searchForm]{
	Name: "queue_search", Brief: true,
	Steps: []Step[searchForm]{{
		Name: "number", Ask: askSearch[searchForm]("queue_search_ask"), Take: takeSearch(func(f *searchForm) *string { return &f.Number }),
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *searchForm) (Reply, error) {
		filter := service.QueueFilter{Search: f.Number}
		list, err := b.Queue.Page(ctx, t.By, filter, 0, 1)
		if err != nil {
			return Reply{}, err
		}
		if len(list.Items) == 0 {
			return Reply{}, nothingFound(f.Number)
		}
		return b.queueList(ctx, t, "queue_found", filter, 0, nil)
	},
}

func (b *Bot) queueSearchPressed(ctx context.Context, t *Turn) (Reply, error) {
	if !t.By.Has(service.RoleOperatorRep) { // exams are looked for by the same words
		return b.examSearchPressed(ctx, t)
	}
	return edited(b.begin(ctx, t, searchQueue, searchForm{}))
}

// openPressed shows a package: the contact sheet with the act's card under it.
func (b *Bot) openPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.queuePressed(ctx, t)
	}
	return b.packageScreen(ctx, t, t.Press.ID)
}

// packageScreen is an act's card under the contact sheet of its journal and
// screenshots. Where a picture stands already the card changes under it.
func (b *Bot) packageScreen(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.Acts.View(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	r := b.actReply(t, v)
	if v.Sent == nil {
		r.Edit = true
		return r, nil
	}
	sheet, err := b.Journals.Sheet(ctx, t.By, id, b.caption)
	if err != nil { // the originals are one press away
		b.log.ErrorContext(ctx, "contact sheet", "act", id, "err", err)
		r.Edit = true
		return r, nil
	}
	r.Photo = &Attachment{Name: "package.jpg", Open: sheet.Open}
	return r, nil
}

// takePressed takes a package. The card that the reviewer pressed becomes the
// review; one without the contact sheet is followed by one with it.
func (b *Bot) takePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseAct(ctx, t, service.ActTake, pressTake)
	}
	a, err := b.Acts.Move(ctx, t.By, t.Press.ID, t.Press.Version, service.ActTake)
	if err != nil {
		return Reply{}, err
	}
	if t.Media {
		return edited(b.actCard(ctx, t, a.ID))
	}
	return b.packageScreen(ctx, t, a.ID)
}

// nextPressed shows the next package that this reviewer could take.
func (b *Bot) nextPressed(ctx context.Context, t *Turn) (Reply, error) {
	id, err := b.Queue.Next(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if id == 0 {
		return Reply{Text: "queue_empty", Rows: [][]Button{
			row(Button{Press: Press{Do: pressQueue}}, Button{Press: Press{Do: pressMenu}}),
		}}, nil
	}
	return b.packageScreen(ctx, t, id)
}

// readyReasons are the reasons for rejection that need no typing, as buttons
// number them from 1.
var readyReasons = []string{"reason_signature", "reason_unreadable", "reason_cohort", "reason_screenshot"}

// rejectAct asks the reviewer what to replace, then sends the package back.
var rejectAct = Wizard[reasonForm]{
	Name: "act_reject", Brief: true,
	Steps: []Step[reasonForm]{{
		Name: "reason",
		Ask: func(_ context.Context, _ *Bot, t *Turn, f *reasonForm) (Reply, error) {
			r := Reply{Text: "act_reject_ask", Data: f}
			for i, reason := range readyReasons {
				r.Rows = append(r.Rows, row(Button{Label: reason, Press: t.inTalk(pressPick, int64(i+1))}))
			}
			r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressCancel, 0)}))
			return r, nil
		},
		Take: func(ctx context.Context, b *Bot, t *Turn, f *reasonForm) (Outcome, error) {
			if t.Press != nil && t.Press.Do == pressPick && t.Press.ID >= 1 && t.Press.ID <= int64(len(readyReasons)) {
				words, err := b.text.Label(readyReasons[t.Press.ID-1], nil)
				f.Comment = words
				return next, err
			}
			return takeComment(ctx, b, t, f)
		},
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *reasonForm) (Reply, error) {
		a, err := b.Acts.Reject(ctx, t.By, f.ActID, f.Revision, f.Comment)
		if err != nil {
			return Reply{}, err
		}
		return edited(b.actCard(ctx, t, a.ID))
	},
	Left: backToAct,
}

func (b *Bot) rejectPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseAct(ctx, t, service.ActReject, pressReject)
	}
	v, err := b.offered(ctx, t, service.ActReject)
	if err != nil {
		return Reply{}, err
	}
	return b.begin(ctx, t, rejectAct, reasonForm{ActID: v.Act.ID, Act: v.Act.Number, Revision: v.Act.Revision})
}

// renderQueue tells a reviewer that packages have come: a fresh card is edited
// in place, an older one gives way to a new one.
func (b *Bot) renderQueue(ctx context.Context, to service.Actor, _ []json.RawMessage) (letter, error) {
	l, card, err := b.queueLetter(ctx, to)
	if err != nil || l.Skip || card == nil {
		return l, err
	}
	if b.now().Sub(card.SentAt) < queueFresh {
		l.EditID = int(card.MessageID)
	} else {
		l.DropID = int(card.MessageID)
	}
	return l, nil
}

// renderQueueChanged renews the card in place; without one there is nothing to
// renew.
func (b *Bot) renderQueueChanged(ctx context.Context, to service.Actor, _ []json.RawMessage) (letter, error) {
	l, card, err := b.queueLetter(ctx, to)
	if err != nil || l.Skip || card == nil {
		return letter{Skip: true}, err
	}
	l.EditID, l.EditOnly = int(card.MessageID), true
	return l, nil
}

func (b *Bot) queueLetter(ctx context.Context, to service.Actor) (letter, *service.Card, error) {
	if !to.Has(service.RoleOperatorRep) {
		return letter{Skip: true}, nil, nil
	}
	r, err := b.queueScreen(ctx, to)
	if err != nil {
		return letter{}, nil, err
	}
	card, err := b.Cards.Get(ctx, to, queueCard)
	if err != nil {
		return letter{}, nil, err
	}
	return letter{Reply: r}, card, nil
}
