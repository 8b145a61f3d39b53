// Package bot talks to people in a messenger. It turns updates into calls of
// package service and answers into messages, and decides nothing else.
package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"unicode/utf16"

	"flowbot/bot/chat"
	"flowbot/service"
	"flowbot/templates"
)

// Services is everything that the bot calls.
type Services struct {
	People   *service.People
	Acts     *service.Acts
	Journals *service.Journals
	Drafts   *service.Drafts
	Queue    *service.Queue
	Cards    *service.Cards
	Archives *service.Archives
	Tasks    *service.Tasks
	Imports  *service.ImportJobs
	Troubles *service.Troubles

	Exams        *service.Exams
	Protocols    *service.Protocols
	Centers      *service.Centers
	Frdo         *service.Frdo
	Certificates *service.Certificates
	Blanks       *service.Blanks
	Scans        *service.Scans
	Batches      *service.ScanBatches
	Questions    *service.ScanQuestions
	Candidates   *service.Candidates
	Deliveries   *service.Deliveries
	Uploads      *service.Uploads
	Links        *service.UploadLinks

	// PublicURL is where people reach our own server, for files that the chat cannot
	// fetch; "" when they do not.
	PublicURL string
	// BotName is the user name for links; "" asks the messenger.
	BotName string
}

// Bot handles updates. Calls for one chat must come one after another; chats go
// side by side.
type Bot struct {
	Services
	chat  chat.Client
	text  *templates.Set            // of everything that only staff read
	texts map[string]*templates.Set // by language
	log   *slog.Logger
	now   service.Clock

	drafts   *service.Drafts
	actions  map[Action]action
	labels   map[string]map[string]Action // by language, normalised words of a button to its action
	commands map[string]handler
	talks    map[string]talk
}

// New returns a bot over its parts. It fails when the texts lack a label.
func New(c chat.Client, s Services, text *templates.Set, log *slog.Logger, now service.Clock) (*Bot, error) {
	b := &Bot{
		Services: s, chat: c, text: text, log: log, now: now, drafts: s.Drafts,
		actions: make(map[Action]action), labels: map[string]map[string]Action{}, talks: map[string]talk{},
		texts: map[string]*templates.Set{templates.Base: text},
	}
	for _, language := range service.Languages {
		if b.labels[language] = map[string]Action{}; language == templates.Base {
			continue
		}
		var err error
		if b.texts[language], err = templates.Load(language); err != nil {
			return nil, err
		}
	}
	for _, list := range [][]action{
		b.talkActions(), b.menuActions(), b.peopleActions(), b.actActions(), b.journalActions(), b.queueActions(), b.taskActions(), b.troubleActions(),
		b.examActions(), b.resultActions(), b.protocolActions(), b.centerActions(), b.frdoActions(), b.certificateActions(),
		b.blankActions(), b.scanActions(), b.questionActions(), b.batchActions(), b.candidateActions(), b.deliveryActions(),
		b.uploadLinkActions(),
	} {
		for _, a := range list {
			if _, twice := b.actions[a.code]; twice {
				return nil, fmt.Errorf("two actions with the code %q", a.code)
			}
			b.actions[a.code] = a
			for _, language := range service.Languages {
				if err := b.nameAction(language, a); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, t := range slices.Concat(
		[]talk{chooseLearners, cancelAct, collectPackage, sortFiles, rejectAct, searchQueue, inviteWizard},
		examTalks(), resultTalks(), protocolTalks(), centerTalks(), frdoTalks(), certificateTalks(),
		blankTalks(), scanTalks(), questionTalks(), batchTalks(), candidateTalks(),
	) {
		b.talks[t.name()] = t
	}
	b.commands = map[string]handler{
		"start": b.started, "menu": b.menu, "cancel": b.cancel, "help": b.help, "tasks": b.tasks,
		"staff": b.staffCommand, "settings": b.settingsPressed,
	}
	return b, nil
}

// nameAction lets an action be called by typing its label in a language, with and
// without a number: «Акты» and «Акт 118/1» are one.
func (b *Bot) nameAction(language string, a action) error {
	text, labels := b.texts[language], b.labels[language]
	plain, err := text.Label(a.label, nil)
	if err != nil {
		return err
	}
	names := []string{plain}
	const number = "0"
	// A label of other facts is not typed with a number, nor one that is all fact.
	if numbered, err := text.Label(a.label, number); err == nil && numbered != number {
		names = append(names, numbered)
	}
	for _, name := range names {
		words, _ := splitLabel(name)
		words = normLabel(words)
		if other, twice := labels[words]; twice && other != a.code {
			return fmt.Errorf("actions %q and %q share the label %q in %s", other, a.code, a.label, language)
		}
		labels[words] = a.code
	}
	return nil
}

// Work handles one update of the inbox. A fault of ours brings the update again;
// on the last try the person is told, and the update is set aside.
func (b *Bot) Work(ctx context.Context, u service.Update) error {
	read, err := chat.Decode(u.Raw)
	if err != nil {
		return err
	}
	read.Again = u.Attempts > 1
	err = b.Handle(ctx, read)
	if err == nil || u.Attempts < service.MaxUpdateAttempts || !read.Private || read.From.ID == 0 {
		return err
	}
	sorry, textErr := b.message(ctx, b.textOf(ctx, read.From), read.ChatID, Reply{Text: string(service.ReasonInternal)})
	if textErr == nil {
		_, textErr = b.chat.Send(ctx, sorry)
	}
	return errors.Join(err, textErr)
}

// Handle answers one update. It is the only place where a refusal meets a
// person: everything below returns errors and says nothing. A returned error is
// our fault and means that the update must be handled again.
func (b *Bot) Handle(ctx context.Context, u chat.Update) error {
	if u.From.ID == 0 || u.ChatID == 0 {
		return nil
	}
	if !u.Private {
		return b.leave(ctx, u)
	}
	if u.Reach != chat.ReachSame {
		return b.reach(ctx, u)
	}
	by, err := b.People.Actor(ctx, u.From.ID)
	if err != nil && service.AsError(err).Kind != service.NotFound {
		return fmt.Errorf("sender: %w", err)
	}
	t, err := turnOf(u, by)
	var reply Reply
	if t.text, t.chosen = b.textFor(by), ""; by.PersonID == 0 {
		t.text, t.chosen = b.textForStranger(ctx, u.From)
	}
	switch {
	case err != nil:
	case by.PersonID == 0:
		reply, err = b.candidateTurn(ctx, t)
	case onlyCandidate(by):
		if err = b.heard(ctx, by); err == nil {
			reply, err = b.candidateTurn(ctx, t)
		}
	default:
		if err = b.heard(ctx, by); err == nil {
			reply, err = b.route(ctx, t)
		}
	}
	return b.answer(ctx, u, t, reply, err)
}

// route finds who answers a turn of a known person.
func (b *Bot) route(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press != nil {
		a, known := b.actions[t.Press.Do]
		if !known {
			return Reply{}, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
		}
		if err := b.turnAway(ctx, t); err != nil {
			return Reply{}, err
		}
		return a.do(ctx, t)
	}
	if t.Command != "" {
		if err := b.turnAway(ctx, t); err != nil {
			return Reply{}, err
		}
	}
	if t.Command == "start" && t.Text != "" {
		return b.accept(ctx, t)
	}
	if h, known := b.commands[t.Command]; known {
		return h(ctx, t)
	}
	if t.Command != "" {
		return b.help(ctx, t)
	}
	if r, taken, err := b.claimTurn(ctx, t); taken || err != nil {
		return r, err
	}
	code, suffix, known := b.typedLabel(t)
	if known {
		t.Press, t.Suffix, t.typed = &Press{Do: code}, suffix, true
		if err := b.turnAway(ctx, t); err != nil {
			return Reply{}, err
		}
		return b.actions[code].do(ctx, t)
	}
	d, err := b.drafts.Get(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	if d != nil {
		return b.resume(ctx, t)
	}
	if t.File != nil {
		return b.looseFile(ctx, t)
	}
	if t.Again { // the answer to a question, most likely, that was taken the first time
		return Reply{}, nil
	}
	return b.help(ctx, t)
}

// typedLabel finds the action whose label somebody typed, in a language of theirs
// or in the base language, and what follows the words.
func (b *Bot) typedLabel(t *Turn) (code Action, suffix string, known bool) {
	for _, language := range []string{t.text.Language(), b.ownText(t.By).Language(), templates.Base} {
		labels := b.labels[language]
		if code, known = labels[normLabel(t.Text)]; known {
			return code, "", true
		}
		words, suffix := splitLabel(t.Text)
		if code, known = labels[normLabel(words)]; known {
			return code, suffix, true
		}
	}
	return "", "", false
}

// textFor is the texts of a person: those of candidates are in their language,
// those of people who work here in the base language.
func (b *Bot) textFor(by service.Actor) *templates.Set {
	if onlyCandidate(by) {
		return b.ownText(by)
	}
	return b.text
}

// ownText is the texts of what a person is told as a candidate, even if they work
// here too.
func (b *Bot) ownText(by service.Actor) *templates.Set {
	if text := b.texts[by.Language]; text != nil && by.Has(service.RoleCandidate) {
		return text
	}
	return b.text
}

// textForStranger is the texts of somebody who is nobody yet, and the language
// that they chose: that one, else that of their app.
func (b *Bot) textForStranger(ctx context.Context, from chat.Sender) (text *templates.Set, chosen string) {
	language := service.LanguageOf(from.Language)
	c, err := b.Candidates.Claim(ctx, from.ID)
	switch {
	case err != nil: // what follows will fail too, and is told in the language of the app
		b.log.WarnContext(ctx, "language not read", "err", err)
	case c.Language != "":
		language, chosen = c.Language, c.Language
	default:
		before, err := b.Candidates.LanguageOf(ctx, from.ID)
		if err != nil {
			b.log.WarnContext(ctx, "language not read", "err", err)
		} else if before != "" { // they were a candidate, or worked here
			language = before
		}
	}
	if text = b.texts[language]; text == nil {
		text = b.text
	}
	return text, chosen
}

// textOf is the texts of whoever sent an update.
func (b *Bot) textOf(ctx context.Context, from chat.Sender) *templates.Set {
	by, err := b.People.Actor(ctx, from.ID)
	if err == nil {
		return b.textFor(by)
	}
	text, _ := b.textForStranger(ctx, from)
	return text
}

// answer says the reply, or the refusal, to whoever did something.
func (b *Bot) answer(ctx context.Context, u chat.Update, t *Turn, reply Reply, err error) error {
	toast, window := reply.Toast, false
	if err != nil {
		e := service.AsError(err)
		if e.Kind == service.Internal {
			return err
		}
		reply = Reply{Text: string(e.Reason), Data: e.Data, Rows: refusalRows(e)}
		if now := b.current(ctx, t, e); u.Again && e.Kind == service.Conflict && now.Text != "" {
			reply = now // it has moved on by this very deed, most likely
		} else if u.IsPress && refusals[e.Reason] == alert {
			toast, window = string(e.Reason), true
			reply = now
		} else if now.Text != "" {
			now.Lead, now.LeadData, now.Edit = string(e.Reason), e.Data, false
			reply = now
		}
	}
	if u.IsPress {
		words := ""
		if toast != "" {
			text, terr := t.text.HTML(toast, errorData(err))
			if terr != nil {
				return terr
			}
			words = templates.Plain(text)
		}
		if window && units(words) > maxToast {
			reply, words = Reply{Text: toast, Data: errorData(err)}, ""
		}
		if err := b.chat.Answer(ctx, u.PressID, words, window); err != nil {
			b.log.WarnContext(ctx, "press not answered", "update", u.ID, "err", err)
		}
	}
	if reply.Text != "" {
		id, err := b.deliver(ctx, u, t.text, reply)
		if err == nil && id != 0 {
			err = b.remember(ctx, t, reply, id)
		}
		if err == nil && id != 0 && t.By.PersonID != 0 && (reply.Live != nil || u.IsPress && id == u.MessageID) {
			err = b.Cards.Show(ctx, t.By, int64(id), reply.Live)
		}
		if err == nil && id != 0 && reply.sent != nil {
			err = reply.sent(ctx, id)
		}
		if err != nil {
			return err
		}
	}
	if reply.after == nil {
		return nil
	}
	return reply.after(ctx)
}

// remember keeps the id of a message that will be edited later. The one that it
// takes the place of goes, so that there is one of its kind.
func (b *Bot) remember(ctx context.Context, t *Turn, r Reply, id int) error {
	switch {
	case r.Card:
		d, err := b.drafts.Get(ctx, t.By)
		if err != nil {
			return err
		}
		if d != nil && d.MessageID != int64(id) {
			b.remove(ctx, t.Chat, d.MessageID)
		}
		return b.drafts.SetCard(ctx, t.By, int64(id))
	case r.Name != "":
		c, err := b.Cards.Get(ctx, t.By, r.Name)
		if err != nil {
			return err
		}
		if c != nil && c.MessageID != int64(id) {
			b.remove(ctx, t.Chat, c.MessageID)
		}
		return b.Cards.Sent(ctx, t.By, r.Name, int64(id))
	}
	return nil
}

// remove deletes a message whose buttons mean nothing any more; 0 is none.
// Pressing one that stays does no harm.
func (b *Bot) remove(ctx context.Context, chatID, messageID int64) {
	if messageID == 0 {
		return
	}
	if err := b.chat.Delete(ctx, chatID, int(messageID)); err != nil && !errors.Is(err, chat.ErrBlocked) {
		b.log.WarnContext(ctx, "old message not deleted", "chat", chatID, "message", messageID, "err", err)
	}
}

// maxToast is the longest answer to a press, in UTF-16 units.
// Source: Telegram Bot API, answerCallbackQuery.text (0-200 characters).
const maxToast = 200

func errorData(err error) any {
	if err == nil {
		return nil
	}
	return service.AsError(err).Data
}

// deliver sends a reply, or makes the pressed message look like it, and returns
// the message's id, 0 when the chat did not take it.
func (b *Bot) deliver(ctx context.Context, u chat.Update, text *templates.Set, r Reply) (int, error) {
	m, err := b.message(ctx, text, u.ChatID, r)
	if err != nil {
		return 0, err
	}
	for _, album := range albums(r.Files) {
		ups := make([]chat.Upload, 0, len(album))
		for _, f := range album {
			ups = append(ups, f.upload(ctx))
		}
		if _, err := b.chat.SendAlbum(ctx, u.ChatID, ups); err != nil {
			return 0, b.undelivered(ctx, u, err)
		}
	}
	if r.Edit && u.IsPress && u.MessageID != 0 && (m.File == nil || r.Swap && u.Media) && m.Contact == "" && !m.NoKeys && len(r.Files) == 0 && fits(u, r, m) {
		m.Caption = u.Media
		err := b.chat.Edit(ctx, u.MessageID, m)
		m.Caption = false
		if !errors.Is(err, chat.ErrGone) {
			return u.MessageID, b.undelivered(ctx, u, err)
		}
	}
	id, err := b.chat.Send(ctx, m)
	return id, b.undelivered(ctx, u, err)
}

// fits reports whether the pressed message can look like m without losing words.
func fits(u chat.Update, r Reply, m chat.Message) bool {
	if u.Media {
		return r.Caption && units(templates.Plain(m.HTML)) <= chat.MaxCaption
	}
	return units(templates.Plain(m.HTML)) <= chat.MaxText
}

// units counts letters as the messenger does, in UTF-16.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// undelivered decides what a failed answer means. Nothing was lost but the
// answer: the person sees the state as soon as they press again.
func (b *Bot) undelivered(ctx context.Context, u chat.Update, err error) error {
	var unknown *chat.UnknownOutcomeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, chat.ErrBlocked):
		return b.reach(ctx, chat.Update{From: u.From, Reach: chat.ReachBlocked})
	case errors.As(err, &unknown):
		b.log.WarnContext(ctx, "answer not confirmed", "update", u.ID, "err", err)
		return nil
	}
	return fmt.Errorf("answer: %w", err)
}

// current shows the thing that has moved on, as it is now.
func (b *Bot) current(ctx context.Context, t *Turn, e *service.Error) Reply {
	moved, ok := e.Data.(service.Moved)
	if !ok {
		return Reply{}
	}
	show, known := b.cards()[moved.Subject]
	if !known {
		return Reply{}
	}
	r, err := show(ctx, t, moved.ID)
	if err != nil {
		if service.AsError(err).Kind == service.Internal {
			b.log.ErrorContext(ctx, "current card", "subject", moved.Subject, "id", moved.ID, "err", err)
		}
		return Reply{}
	}
	r.Edit = true
	return r
}

// leave leaves groups: the bot works in private chats only.
func (b *Bot) leave(ctx context.Context, u chat.Update) error {
	if u.ChatID >= 0 || u.Reach == chat.ReachBlocked {
		return nil
	}
	if err := b.chat.Leave(ctx, u.ChatID); err != nil && !errors.Is(err, chat.ErrBlocked) {
		b.log.WarnContext(ctx, "group not left", "chat", u.ChatID, "err", err)
	}
	return nil
}
