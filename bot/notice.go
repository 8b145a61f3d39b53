package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"flowbot/bot/chat"
	"flowbot/bot/post"
	"flowbot/service"
)

// letter is a notice as it goes out.
type letter struct {
	Reply
	Skip     bool // no longer true: nothing is sent
	EditID   int  // make this message look like the reply; one that is gone is sent anew
	EditOnly bool // a message that is gone is not sent anew
	DropID   int  // delete this message: the new one takes its place
	// Sent is called with the id of the message once the chat has confirmed it.
	Sent func(ctx context.Context, messageID int) error

	before []Reply // messages of their own, sent first
}

// notice is how one kind of notice becomes a message.
type notice struct {
	// render fills the text from the state as it is now. It gets every notice of
	// this kind that waits for the person together, oldest first.
	render func(ctx context.Context, to service.Actor, batch []json.RawMessage) (letter, error)
	// repeat tells what to do when a request left and no answer came: send again,
	// for a card or a reminder; else it is shown to the admin as not confirmed.
	repeat bool
}

// Renderers tells the sender how each kind of notice becomes a message.
func (b *Bot) Renderers() map[string]post.Renderer {
	out := map[string]post.Renderer{}
	for kind, n := range b.notices() {
		out[kind] = post.Renderer{
			Repeat:  n.repeat,
			Anybody: kind == (service.WithdrawnNotice{}).NoticeKind() || kind == (service.OwnNotice{}).NoticeKind(),
			Lost:    b.lost(kind),
			Render: func(ctx context.Context, to service.Actor, chatID int64, batch []service.QueuedNotice) (post.Outgoing, error) {
				l, err := n.render(ctx, to, payloads(batch))
				if err != nil || l.Skip {
					return post.Outgoing{Skip: l.Skip}, err
				}
				return b.outgoing(ctx, to, chatID, l)
			},
		}
	}
	return out
}

// lost is what is done about notices of a kind that cannot arrive, or of which nobody
// knows whether they did; nil for nothing.
func (b *Bot) lost(kind string) func(ctx context.Context, batch []service.QueuedNotice) error {
	if kind != (service.DeliveryNotice{}).NoticeKind() {
		return nil
	}
	return func(ctx context.Context, batch []service.QueuedNotice) error {
		return b.undeliveredScans(ctx, payloads(batch))
	}
}

// payloads are the notices of a batch.
func payloads(batch []service.QueuedNotice) []json.RawMessage {
	out := make([]json.RawMessage, 0, len(batch))
	for _, q := range batch {
		out = append(out, q.Payload)
	}
	return out
}

// renew makes the message that is the screen of a notice look like a reply, if
// somebody still looks at it.
func (b *Bot) renew(ctx context.Context, to service.Actor, n service.Notice, r Reply) (letter, error) {
	card, err := b.Cards.Get(ctx, to, n.NoticeKey())
	if err != nil || card == nil {
		return letter{Skip: true}, err
	}
	return letter{Reply: r, EditID: int(card.MessageID), EditOnly: true}, nil
}

// outgoing fills the texts of a letter.
func (b *Bot) outgoing(ctx context.Context, to service.Actor, chatID int64, l letter) (post.Outgoing, error) {
	out := post.Outgoing{EditID: l.EditID, EditOnly: l.EditOnly, DropID: l.DropID, Sent: l.Sent}
	for _, r := range append(l.before, l.Reply) {
		for _, f := range r.Files {
			up := f.upload(ctx)
			out.Before = append(out.Before, chat.Message{ChatID: chatID, File: &up, Protect: r.Protect})
		}
		m, err := b.message(ctx, b.textFor(to), chatID, r)
		if err != nil {
			return out, err
		}
		out.Before = append(out.Before, m)
	}
	last := len(out.Before) - 1
	out.Before, out.Message = out.Before[:last], out.Before[last]
	if l.Name != "" && l.Sent == nil {
		out.Sent = func(ctx context.Context, id int) error {
			if id == l.EditID {
				return nil // the card keeps the time of its sending
			}
			return b.Cards.Sent(ctx, to, l.Name, int64(id))
		}
	}
	return out, nil
}

// notices lists every kind of notice.
func (b *Bot) notices() map[string]notice {
	out := map[string]notice{
		service.DraftNotice{}.NoticeKind():                        {b.renderDraft, true},
		service.PrintedNotice{}.NoticeKind():                      {each(b.renderPrinted), false},
		service.ActNotice{Event: service.ActApprove}.NoticeKind(): {b.renderDecided(service.ActApproved, "acts_approved"), false},
		service.ActNotice{Event: service.ActReject}.NoticeKind():  {b.renderDecided(service.ActRejected, "acts_rejected"), false},
		service.QueueNotice{}.NoticeKind():                        {b.renderQueue, true},
		service.QueueChangedNotice{}.NoticeKind():                 {b.renderQueueChanged, true},
		service.ReminderNotice{}.NoticeKind():                     {each(b.renderReminder), true},
		service.ImportNotice{}.NoticeKind():                       {each(b.renderImport), false},
		service.FailedNotice{}.NoticeKind():                       {each(b.renderFailed), false},
		service.ArchiveNotice{}.NoticeKind():                      {each(b.renderArchive), false},
		service.ReviewEndedNotice{}.NoticeKind():                  {each(b.renderReviewEnded), false},
	}
	for _, some := range []map[string]notice{
		b.protocolNotices(), b.frdoNotices(), b.certificateNotices(),
		b.batchNotices(), b.candidateNotices(), b.deliveryNotices(), b.uploadNotices(),
	} {
		maps.Copy(out, some)
	}
	return out
}

// each renders every notice of a batch as a message of its own.
func each[N any](render func(context.Context, service.Actor, N) (letter, error)) func(context.Context, service.Actor, []json.RawMessage) (letter, error) {
	return func(ctx context.Context, to service.Actor, batch []json.RawMessage) (letter, error) {
		out := letter{Skip: true}
		for _, raw := range batch {
			var n N
			if err := json.Unmarshal(raw, &n); err != nil {
				return letter{}, fmt.Errorf("decode notice: %w", err)
			}
			l, err := render(ctx, to, n)
			if err != nil {
				return letter{}, err
			}
			if l.Skip {
				continue
			}
			if !out.Skip {
				l.before = append(slices.Clip(out.before), out.Reply)
			}
			out = l
		}
		return out, nil
	}
}

// gone makes a thing that the person may see no more a skipped notice.
func gone(err error) (letter, error) {
	if service.AsError(err).Kind == service.NotFound {
		return letter{Skip: true}, nil
	}
	return letter{}, err
}

// renderDraft renews the living card of the conversation into which files are
// sent. A card that newer messages have pushed up gives way to a new one.
func (b *Bot) renderDraft(ctx context.Context, to service.Actor, _ []json.RawMessage) (letter, error) {
	d, err := b.drafts.Get(ctx, to)
	if err != nil {
		return letter{}, err
	}
	if d == nil || b.talks[d.Kind] == nil || !b.talks[d.Kind].awaitsFiles(d.Step) {
		return letter{Skip: true}, nil
	}
	var s stored
	if err := json.Unmarshal(d.Form, &s); err != nil {
		return letter{}, fmt.Errorf("draft of person %d: %w", to.PersonID, err)
	}
	r, err := b.talks[d.Kind].ask(ctx, b, &Turn{By: to, serial: s.Serial}, d.Step, s.Form)
	if err != nil {
		return gone(err)
	}
	var f struct{ LastIn int }
	if err := json.Unmarshal(s.Form, &f); err != nil {
		return letter{}, fmt.Errorf("draft of person %d: %w", to.PersonID, err)
	}
	l := letter{Reply: r}
	if card := int(d.MessageID); card > f.LastIn {
		l.EditID = card
	} else {
		l.DropID = card
	}
	l.Sent = func(ctx context.Context, id int) error {
		if err := b.Journals.Tell(ctx, to, refusedIn(r.Data)); err != nil {
			return err
		}
		if v, ok := r.Data.(interface{ refused() *service.Upload }); ok && v.refused() != nil {
			if err := b.Uploads.Tell(ctx, to, v.refused().ID); err != nil {
				return err
			}
		}
		return b.drafts.SetCard(ctx, to, int64(id))
	}
	return l, nil
}

// refusedIn are the refused files that a card names.
func refusedIn(card any) []service.DraftFile {
	switch v := card.(type) {
	case *packageView:
		return v.Refused
	case sortView:
		return v.Refused
	}
	return nil
}

// renderPrinted brings the printed act to whoever generated it.
func (b *Bot) renderPrinted(ctx context.Context, to service.Actor, n service.PrintedNotice) (letter, error) {
	v, err := b.Acts.View(ctx, to, n.ActID)
	if err != nil {
		return gone(err)
	}
	if v.Act.Version != n.Version {
		return letter{Skip: true}, nil // a newer version is on its way
	}
	if n.Rune != "" {
		return letter{Reply: Reply{Text: "act_unprintable", Data: map[string]any{"Act": v.Act, "Rune": n.Rune, "Learner": n.Learner}, Rows: [][]Button{
			row(Button{Press: Press{pressCancelAct, v.Act.ID, v.Act.Revision}}),
			row(Button{Press: Press{pressAct, v.Act.ID, 0}, Args: v.Act.Number}, Button{Press: Press{Do: pressMenu}}),
		}}}, nil
	}
	f, err := b.Acts.Document(ctx, to, n.ActID, n.Version)
	if err != nil {
		return letter{}, err
	}
	doc, err := b.attachAct(f)
	if err != nil {
		return letter{}, err
	}
	l := letter{Reply: b.actReply(&Turn{By: to}, v)}
	l.Text, l.Data, l.Document = "act_printed", v, &doc
	return l, nil
}

// decidedView is what a message about decisions shows.
type decidedView struct {
	Acts   []*service.ActView
	Groups [][]*service.ActView // those of one cohort that share their comment
	Zone   string
}

// group gathers acts that were decided alike: what hundreds share is said once.
func (v *decidedView) group() {
	type key struct {
		cohort  int64
		comment string
	}
	at := map[key]int{}
	for _, a := range v.Acts {
		k := key{a.Cohort.ID, a.Act.Comment}
		if a.Act.Status == service.ActApproved {
			k.comment = "" // of a rejection before
		}
		i, known := at[k]
		if !known {
			i, at[k] = len(v.Groups), len(v.Groups)
			v.Groups = append(v.Groups, nil)
		}
		v.Groups[i] = append(v.Groups[i], a)
	}
}

// renderDecided tells a partner's representative which acts were decided. What
// has moved on since is left out.
func (b *Bot) renderDecided(status service.ActStatus, text string) func(context.Context, service.Actor, []json.RawMessage) (letter, error) {
	return func(ctx context.Context, to service.Actor, batch []json.RawMessage) (letter, error) {
		view := decidedView{Zone: to.Zone}
		seen := map[int64]bool{}
		for _, raw := range batch {
			var n service.ActNotice
			if err := json.Unmarshal(raw, &n); err != nil {
				return letter{}, fmt.Errorf("decode notice: %w", err)
			}
			if seen[n.ActID] {
				continue
			}
			seen[n.ActID] = true
			v, err := b.Acts.View(ctx, to, n.ActID)
			switch {
			case err != nil && service.AsError(err).Kind == service.NotFound:
			case err != nil:
				return letter{}, err
			case v.Act.Status == status:
				view.Acts = append(view.Acts, v)
			}
		}
		switch len(view.Acts) {
		case 0:
			return letter{Skip: true}, nil
		case 1:
			l := letter{Reply: b.actReply(&Turn{By: to}, view.Acts[0])}
			l.Text, l.Data = text, view
			return l, nil
		}
		view.group()
		l := letter{Reply: Reply{Text: text, Data: view}}
		if status == service.ActRejected {
			seen := map[int64]bool{}
			for _, g := range view.Groups {
				if c := g[0].Cohort; !seen[c.ID] && len(seen) < pageSize {
					seen[c.ID] = true
					l.Rows = append(l.Rows, row(Button{Press: Press{Do: pressReplace, ID: c.ID}, Args: c.Number}))
				}
			}
		}
		for _, v := range view.Acts[:min(len(view.Acts), pageSize)] {
			l.Rows = append(l.Rows, row(Button{Press: Press{pressAct, v.Act.ID, 0}, Args: v.Act.Number}))
		}
		l.Rows = append(l.Rows, row(Button{Press: Press{Do: pressMenu}}))
		return l, nil
	}
}

// renderReviewEnded tells a reviewer that a review ended without them.
func (b *Bot) renderReviewEnded(ctx context.Context, to service.Actor, n service.ReviewEndedNotice) (letter, error) {
	v, err := b.Acts.View(ctx, to, n.ActID)
	if err != nil {
		return gone(err)
	}
	l := letter{Reply: b.actReply(&Turn{By: to}, v)}
	l.Text, l.Data = "review_ended", map[string]any{"Act": v.Act, "Event": string(n.Event)}
	return l, nil
}

// failedView is what a message about a job that was given up says.
type failedView struct {
	Job string
	Act *service.Act // nil when the job was about none
}

// renderFailed tells somebody that what they wait for could not be done.
func (b *Bot) renderFailed(ctx context.Context, to service.Actor, n service.FailedNotice) (letter, error) {
	view := failedView{Job: n.Job}
	rows := [][]Button{row(Button{Press: Press{Do: pressMenu}})}
	if n.ActID != 0 {
		v, err := b.Acts.View(ctx, to, n.ActID)
		if err != nil {
			return gone(err)
		}
		view.Act = &v.Act
		rows = [][]Button{row(Button{Press: Press{pressAct, v.Act.ID, 0}, Args: v.Act.Number}, Button{Press: Press{Do: pressMenu}})}
	}
	return letter{Reply: Reply{Text: "failed", Data: view, Rows: rows}}, nil
}
