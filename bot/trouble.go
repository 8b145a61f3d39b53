package bot

import (
	"context"

	"flowbot/service"
)

// Buttons of «Неполадки». Version is the kind, as troubleKinds numbers them.
const (
	pressTroubles Action = "tr" // ID is a page
	pressRetry    Action = "ty" // ID is the trouble's
	pressDismiss  Action = "td" // ID is the trouble's
)

// troubleKinds are the kinds of troubles as buttons number them. Never
// renumbered: old messages keep their buttons.
var troubleKinds = []service.TroubleKind{service.TroubleUpdate, service.TroubleNotice, service.TroubleJob}

func (b *Bot) troubleActions() []action {
	return []action{
		{pressTroubles, "troubles", b.troublesPressed},
		{pressRetry, "trouble_retry", b.endTrouble(true)},
		{pressDismiss, "trouble_dismiss", b.endTrouble(false)},
	}
}

// troublesShown is how many troubles one page shows: each has two buttons.
const troublesShown = 5

// troublesView is what a page of troubles says.
type troublesView struct {
	Counts service.TroubleCounts
	Kind   service.TroubleKind
	List   []service.Trouble
	Zone   string
	Page   int
	First  int // number of the first one shown, from 1
}

// troubleKind reads the kind out of a button.
func troubleKind(t *Turn) (int, error) {
	i := t.Press.Version
	if i < 0 || i >= len(troubleKinds) {
		return 0, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
	}
	return i, nil
}

// troublesPressed shows a page of one kind of troubles and how many of each
// there are. Without a kind that has any it shows the first that has.
func (b *Bot) troublesPressed(ctx context.Context, t *Turn) (Reply, error) {
	i, err := troubleKind(t)
	if err != nil {
		return Reply{}, err
	}
	counts, err := b.Troubles.Counts(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	each := []int{counts.Updates, counts.Notices, counts.Jobs}
	for n := range each {
		if each[i] == 0 && each[n] > 0 {
			i, t.Press.ID = n, 0
		}
	}
	page := pageOf(t.Press.ID)
	list, err := b.Troubles.Page(ctx, t.By, troubleKinds[i], page*troublesShown, troublesShown+1)
	if err != nil {
		return Reply{}, err
	}
	shown := list[:min(len(list), troublesShown)]
	r := Reply{Text: "troubles", Data: troublesView{counts, troubleKinds[i], shown, t.By.Zone, page, page*troublesShown + 1}, Edit: true}
	for n, trouble := range shown {
		number := page*troublesShown + n + 1
		r.Rows = append(r.Rows, row(
			Button{Args: number, Press: Press{pressRetry, trouble.ID, i}},
			Button{Args: number, Press: Press{pressDismiss, trouble.ID, i}}))
	}
	r.Rows = append(r.Rows, turnPages(page, len(list) > troublesShown, func(p int) Press { return Press{pressTroubles, int64(p), i} })...)
	var others []Button
	for n, label := range []string{"troubles_updates", "troubles_notices", "troubles_jobs"} {
		if n != i && each[n] > 0 {
			others = append(others, Button{Label: label, Args: each[n], Press: Press{Do: pressTroubles, Version: n}})
		}
	}
	if others != nil {
		r.Rows = append(r.Rows, others)
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// endTrouble tries a thing again or lets it go, and shows what is left.
func (b *Bot) endTrouble(retry bool) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		i, err := troubleKind(t)
		if err != nil {
			return Reply{}, err
		}
		end, toast := b.Troubles.Dismiss, "trouble_dismissed"
		if retry {
			end, toast = b.Troubles.Retry, "trouble_retried"
		}
		switch err := end(ctx, t.By, troubleKinds[i], t.Press.ID); {
		case err != nil && service.AsError(err).Kind == service.NotFound:
			toast = "trouble_gone"
		case err != nil:
			return Reply{}, err
		}
		t.Press = &Press{Do: pressTroubles, Version: i}
		r, err := b.troublesPressed(ctx, t)
		r.Toast = toast
		return r, err
	}
}
