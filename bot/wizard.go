package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"flowbot/service"
)

// Wizard is a conversation written as a table: what is asked, in which order,
// and what is done with the answers. F holds the answers; it is stored as JSON
// after every turn, so a restart at any step loses nothing.
type Wizard[F any] struct {
	Name  string // also the key of the stored draft: rename with a migration
	Steps []Step[F]
	// Brief conversations end when the person turns to something else. They wait
	// for words of any kind, and words meant for another place must not decide.
	Brief bool
	// Done does what the conversation was for. An Invalid error stays at the last
	// step; any other refusal ends the conversation.
	Done func(ctx context.Context, b *Bot, t *Turn, f *F) (Reply, error)
	// Left is the screen to go back to when the conversation is cancelled; nil is
	// the menu.
	Left func(ctx context.Context, b *Bot, t *Turn, f *F) (Reply, error)
}

// Step is one question.
type Step[F any] struct {
	Name string // stored: rename with a migration
	Ask  func(ctx context.Context, b *Bot, t *Turn, f *F) (Reply, error)
	// Take reads an answer: a text, a file or a press of one of the step's own
	// buttons. An Invalid error shows its words and asks again.
	Take func(ctx context.Context, b *Bot, t *Turn, f *F) (Outcome, error)
	// Files steps await files. Their card is renewed once a worker has looked at
	// one; the form tells by its LastIn whether the card is out of sight.
	Files bool
	// Lies tells whether files lie there that stay when the conversation is
	// cancelled; nil: none do.
	Lies func(ctx context.Context, b *Bot, t *Turn, f *F) (bool, error)
}

// Outcome says where a conversation goes after an answer.
type Outcome struct {
	to   string // name of a step; "" is the next one
	stay bool
	done bool
	held bool // the answer is shown by a notice
}

// The outcomes.
var (
	next    = Outcome{}           // to the next step; Done after the last
	stay    = Outcome{stay: true} // ask again: the form may have changed
	held    = Outcome{stay: true, held: true}
	finish  = Outcome{done: true} // to Done at once
	goingTo = func(step string) Outcome { return Outcome{to: step} }
)

// Buttons inside conversations. Their ID is the step's own affair, their Version
// is the serial of the conversation: a button of an earlier one does nothing.
const (
	pressDone   Action = "wd" // «Готово»
	pressBack   Action = "wb" // «Назад»
	pressCancel Action = "wx" // «Отмена»
	pressPick   Action = "wp" // one of the things shown; ID says which
	pressPage   Action = "wg" // another page; ID is its number from 0
	pressRemove Action = "wr" // take out what ID names
	pressSend   Action = "ws" // «Отправить на согласование»
	pressAll    Action = "wa" // all of the things
	pressNone   Action = "wn" // none of them
)

// talkActions are the buttons that only mean something inside a conversation.
func (b *Bot) talkActions() []action {
	return []action{
		{pressDone, "done", b.resume},
		{pressBack, "back", b.resume},
		{pressCancel, "cancel", b.resume},
		{pressPick, "pick", b.resume},
		{pressPage, "page", b.resume},
		{pressRemove, "remove", b.resume},
		{pressSend, "send", b.resume},
		{pressAll, "all", b.resume},
		{pressNone, "none", b.resume},
	}
}

// ReasonTalkOver means that the button belongs to a conversation that has ended.
const ReasonTalkOver service.Reason = "talk.over"

// ReasonUnexpected means that the step awaits something else; what it awaits is
// asked again under it.
const ReasonUnexpected service.Reason = "talk.unexpected"

// stored is a form as it lies in a draft.
type stored struct {
	Serial int             `json:"serial"`
	Form   json.RawMessage `json:"form"`
}

// talk is Wizard without its type parameter, as the registry keeps it.
type talk interface {
	name() string
	brief() bool
	first() string
	awaitsFiles(step string) bool
	// lies tells whether files stay when the conversation is cancelled.
	lies(ctx context.Context, b *Bot, t *Turn, form json.RawMessage) (bool, error)
	ask(ctx context.Context, b *Bot, t *Turn, step string, form json.RawMessage) (Reply, error)
	take(ctx context.Context, b *Bot, t *Turn, step string, form json.RawMessage) (json.RawMessage, Outcome, error)
	after(step string) (string, bool)
	before(step string) (string, bool)
	finish(ctx context.Context, b *Bot, t *Turn, form json.RawMessage) (Reply, error)
	// left is the screen to go back to, ok is false when it is the menu.
	left(ctx context.Context, b *Bot, t *Turn, form json.RawMessage) (r Reply, ok bool, err error)
}

func (w Wizard[F]) name() string  { return w.Name }
func (w Wizard[F]) brief() bool   { return w.Brief }
func (w Wizard[F]) first() string { return w.Steps[0].Name }

func (w Wizard[F]) step(name string) (int, error) {
	for i := range w.Steps {
		if w.Steps[i].Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("wizard %s has no step %q", w.Name, name)
}

func (w Wizard[F]) awaitsFiles(step string) bool {
	i, err := w.step(step)
	return err == nil && w.Steps[i].Files
}

func (w Wizard[F]) lies(ctx context.Context, b *Bot, t *Turn, form json.RawMessage) (bool, error) {
	var f F
	if err := json.Unmarshal(form, &f); err != nil {
		return false, nil //nolint:nilerr // there must be a way out of a form that cannot be read
	}
	for i := range w.Steps {
		if w.Steps[i].Lies == nil {
			continue
		}
		some, err := w.Steps[i].Lies(ctx, b, t, &f)
		if some || err != nil && service.AsError(err).Kind == service.Internal {
			return some, err
		}
	}
	return false, nil
}

func (w Wizard[F]) ask(ctx context.Context, b *Bot, t *Turn, step string, form json.RawMessage) (Reply, error) {
	var f F
	if err := json.Unmarshal(form, &f); err != nil {
		return Reply{}, fmt.Errorf("wizard %s: %w", w.Name, err)
	}
	i, err := w.step(step)
	if err != nil {
		return Reply{}, err
	}
	return w.Steps[i].Ask(ctx, b, t, &f)
}

func (w Wizard[F]) take(ctx context.Context, b *Bot, t *Turn, step string, form json.RawMessage) (json.RawMessage, Outcome, error) {
	var f F
	if err := json.Unmarshal(form, &f); err != nil {
		return nil, stay, fmt.Errorf("wizard %s: %w", w.Name, err)
	}
	i, err := w.step(step)
	if err != nil {
		return nil, stay, err
	}
	out, err := w.Steps[i].Take(ctx, b, t, &f)
	if err != nil {
		return nil, stay, err
	}
	changed, err := json.Marshal(f)
	return changed, out, err
}

func (w Wizard[F]) after(step string) (string, bool) {
	i, err := w.step(step)
	if err != nil || i+1 == len(w.Steps) {
		return "", false
	}
	return w.Steps[i+1].Name, true
}

func (w Wizard[F]) before(step string) (string, bool) {
	i, err := w.step(step)
	if err != nil || i == 0 {
		return "", false
	}
	return w.Steps[i-1].Name, true
}

func (w Wizard[F]) finish(ctx context.Context, b *Bot, t *Turn, form json.RawMessage) (Reply, error) {
	var f F
	if err := json.Unmarshal(form, &f); err != nil {
		return Reply{}, fmt.Errorf("wizard %s: %w", w.Name, err)
	}
	return w.Done(ctx, b, t, &f)
}

func (w Wizard[F]) left(ctx context.Context, b *Bot, t *Turn, form json.RawMessage) (Reply, bool, error) {
	if w.Left == nil {
		return Reply{}, false, nil
	}
	var f F
	if err := json.Unmarshal(form, &f); err != nil {
		return Reply{}, false, fmt.Errorf("wizard %s: %w", w.Name, err)
	}
	r, err := w.Left(ctx, b, t, &f)
	return r, true, err
}

// serials keeps serials short in the buttons' data.
const serials = 1_000_000

// begin opens a conversation and asks its first question. What the person had
// begun before is forgotten; its files stay.
func (b *Bot) begin(ctx context.Context, t *Turn, w talk, form any) (Reply, error) {
	return b.beginAt(ctx, t, w, w.first(), form)
}

// beginAt is begin at a later step.
func (b *Bot) beginAt(ctx context.Context, t *Turn, w talk, step string, form any) (Reply, error) {
	data, err := json.Marshal(form)
	if err != nil {
		return Reply{}, fmt.Errorf("wizard %s: %w", w.name(), err)
	}
	if err := b.leaveTalk(ctx, t); err != nil {
		return Reply{}, err
	}
	t.serial = int(t.UpdateID % serials)
	d := &service.Draft{PersonID: t.By.PersonID, Kind: w.name(), Step: step, UpdateID: t.UpdateID}
	if err := b.keep(ctx, d, t.serial, data); err != nil {
		return Reply{}, err
	}
	return w.ask(ctx, b, t, step, data)
}

// asides do not end a brief conversation: its own buttons, looking at the files
// and the history of an act or a protocol, which is part of writing what is wrong
// with it, another way for the same files, and cancelling those that were sent.
var asides = []Action{
	pressDone, pressBack, pressCancel, pressPick, pressPage, pressRemove, pressSend, pressAll, pressNone,
	pressFiles, pressPackage, pressHistory, pressProtocolFile, pressExamHistory, pressIsRight,
	pressUploadPage, pressBatchCancelAsk, pressBatchCancel, pressBatchAsk,
}

// turnAway ends a brief conversation, and the question of a candidate's link, when
// a person asks for something else.
func (b *Bot) turnAway(ctx context.Context, t *Turn) error {
	if t.Command == "cancel" || t.Command == "help" || t.Press != nil && t.Press.Do == pressFindCancel {
		return nil
	}
	if _, err := b.leaveLink(ctx, t); err != nil {
		return err
	}
	if t.Press != nil && slices.Contains(asides, t.Press.Do) {
		return nil
	}
	d, err := b.drafts.Get(ctx, t.By)
	if err != nil || d == nil {
		return err
	}
	if w, known := b.talks[d.Kind]; !known || !w.brief() {
		return nil
	}
	return b.leaveTalk(ctx, t)
}

// leaveTalk forgets the open conversation and takes its card away, unless that is
// the pressed message, which shows the answer. Files that were sent stay.
func (b *Bot) leaveTalk(ctx context.Context, t *Turn) error {
	d, err := b.drafts.Get(ctx, t.By)
	if err != nil || d == nil {
		return err
	}
	if d.MessageID != int64(t.Message) || t.Media {
		b.remove(ctx, t.Chat, d.MessageID)
	}
	return b.drafts.Drop(ctx, t.By)
}

func (b *Bot) keep(ctx context.Context, d *service.Draft, serial int, form json.RawMessage) error {
	var err error
	if d.Form, err = json.Marshal(stored{serial, form}); err != nil {
		return fmt.Errorf("draft %s: %w", d.Kind, err)
	}
	return b.drafts.Save(ctx, d)
}

// resume gives an answer to the conversation that is open.
func (b *Bot) resume(ctx context.Context, t *Turn) (Reply, error) {
	d, err := b.drafts.Get(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	if d == nil && t.Again { // it ended by this very answer, most likely
		return Reply{}, nil
	}
	if d == nil {
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: ReasonTalkOver}
	}
	w, known := b.talks[d.Kind]
	var s stored
	if err := json.Unmarshal(d.Form, &s); err != nil || !known { // of an older program
		if err := b.drafts.Drop(ctx, t.By); err != nil {
			return Reply{}, err
		}
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: ReasonTalkOver}
	}
	t.serial, t.card = s.Serial, int(d.MessageID)
	if t.Press != nil && !t.typed && t.Press.Version != s.Serial {
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: ReasonTalkOver}
	}
	// Answered before the program was stopped. A file can have begun the
	// conversation without being taken yet; taking it twice changes nothing.
	if d.UpdateID == t.UpdateID && t.File == nil {
		return w.ask(ctx, b, t, d.Step, s.Form)
	}
	if t.Press != nil {
		switch t.Press.Do {
		case pressCancel:
			return b.cancel(ctx, t)
		case pressBack:
			before, ok := w.before(d.Step)
			if !ok {
				return b.cancel(ctx, t)
			}
			d.Step, d.UpdateID = before, t.UpdateID
			if err := b.keep(ctx, d, s.Serial, s.Form); err != nil {
				return Reply{}, err
			}
			return edited(w.ask(ctx, b, t, d.Step, s.Form))
		}
	}
	form, out, err := w.take(ctx, b, t, d.Step, s.Form)
	if err != nil {
		return b.askAgain(ctx, t, w, d.Step, s.Form, err)
	}
	return b.proceed(ctx, t, w, d, s.Serial, form, out)
}

// resumeNow gives the conversation that this turn has just opened its first
// answer.
func (b *Bot) resumeNow(ctx context.Context, t *Turn) (Reply, error) {
	d, err := b.drafts.Get(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	w := b.talks[d.Kind]
	var s stored
	if err := json.Unmarshal(d.Form, &s); err != nil {
		return Reply{}, fmt.Errorf("draft %s: %w", d.Kind, err)
	}
	form, out, err := w.take(ctx, b, t, d.Step, s.Form)
	if err != nil {
		return b.askAgain(ctx, t, w, d.Step, s.Form, err)
	}
	return b.proceed(ctx, t, w, d, s.Serial, form, out)
}

// proceed goes where an answer leads.
func (b *Bot) proceed(ctx context.Context, t *Turn, w talk, d *service.Draft, serial int, form json.RawMessage, out Outcome) (Reply, error) {
	step, more := d.Step, true
	switch {
	case out.stay:
	case out.done:
		more = false
	case out.to != "":
		step = out.to
	default:
		step, more = w.after(d.Step)
	}
	if more {
		d.Step, d.UpdateID = step, t.UpdateID
		if err := b.keep(ctx, d, serial, form); err != nil {
			return Reply{}, err
		}
		if out.held {
			return Reply{}, nil
		}
		return edited(w.ask(ctx, b, t, step, form))
	}
	reply, err := w.finish(ctx, b, t, form)
	if err != nil {
		switch service.AsError(err).Kind {
		case service.Invalid:
			return b.askAgain(ctx, t, w, d.Step, form, err)
		case service.Internal:
			return Reply{}, err // the draft stays: pressing again tries again
		case service.Conflict, service.Forbidden, service.NotFound:
			if dropErr := b.leaveTalk(ctx, t); dropErr != nil {
				return Reply{}, dropErr
			}
			return Reply{}, err
		}
	}
	// The draft goes once its use case is over and the answer is said. After a
	// crash in between, the second try meets the guard of the use case and shows
	// what is.
	reply.after = func(ctx context.Context) error { return b.leaveTalk(ctx, t) }
	return reply, nil
}

// askAgain shows why an answer was refused and asks the step's question again.
// What is no refusal of the answer itself goes up.
func (b *Bot) askAgain(ctx context.Context, t *Turn, w talk, step string, form json.RawMessage, cause error) (Reply, error) {
	e := service.AsError(cause)
	if e.Kind != service.Invalid || (t.Press != nil && refusals[e.Reason] == alert) {
		return Reply{}, cause
	}
	again, err := w.ask(ctx, b, t, step, form)
	if err != nil {
		return Reply{}, err
	}
	again.Lead, again.LeadData, again.Name = string(e.Reason), e.Data, ""
	if !again.Card { // the picture stands above
		again.Photo = nil
	}
	return again, nil
}

// cancel ends the open conversation, if any. Files that were sent stay. The question
// of a candidate's link comes first: it was asked last, see turnAway.
func (b *Bot) cancel(ctx context.Context, t *Turn) (Reply, error) {
	c, err := b.Candidates.Claim(ctx, t.Chat)
	if err != nil {
		return Reply{}, err
	}
	if c.OfLink() {
		return b.asCandidate(b.cancelClaim)(ctx, t)
	}
	d, err := b.drafts.Get(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	if err := b.leaveTalk(ctx, t); err != nil {
		return Reply{}, err
	}
	if d != nil {
		if r, ok, err := b.goBack(ctx, t, d); ok || err != nil {
			return r, err
		}
	}
	r, err := b.menu(ctx, t)
	if err == nil && d != nil {
		r.Text = "cancelled"
		r.Data, err = b.filesLie(ctx, t, d)
	}
	r.Edit = t.Press != nil
	return r, err
}

// filesLie tells whether files stay of a cancelled conversation.
func (b *Bot) filesLie(ctx context.Context, t *Turn, d *service.Draft) (bool, error) {
	w, known := b.talks[d.Kind]
	var s stored
	if err := json.Unmarshal(d.Form, &s); err != nil || !known { // of an older program
		return false, nil //nolint:nilerr // likewise
	}
	return w.lies(ctx, b, t, s.Form)
}

// goBack shows the screen that a cancelled conversation goes back to; ok is false
// when that is the menu. Whoever may not see it any more goes to the menu.
func (b *Bot) goBack(ctx context.Context, t *Turn, d *service.Draft) (r Reply, ok bool, err error) {
	w, known := b.talks[d.Kind]
	var s stored
	if err := json.Unmarshal(d.Form, &s); err != nil || !known { // of an older program
		return Reply{}, false, nil //nolint:nilerr // likewise
	}
	r, ok, err = w.left(ctx, b, t, s.Form)
	if err != nil && service.AsError(err).Kind != service.Internal {
		return Reply{}, false, nil
	}
	if r.Edit = true; r.Lead == "" {
		r.Lead = "not_changed"
	}
	return r, ok, err
}

// edited marks a screen as one that takes the place of the pressed one.
func edited(r Reply, err error) (Reply, error) {
	r.Edit = true
	return r, err
}

// inTalk makes a button of the open conversation.
func (t *Turn) inTalk(do Action, id int64) Press { return Press{Do: do, ID: id, Version: t.serial} }

// unexpected says that the step awaits something else.
func unexpected(t *Turn) error {
	return &service.Error{Kind: service.Invalid, Reason: ReasonUnexpected, Data: t.Other}
}
