package bot

import (
	"context"
	"strings"

	"flowbot/bot/chat"
	"flowbot/service"
	"flowbot/templates"
)

// Turn is one thing that a known person did: pressed a button, wrote a text,
// sent a file.
type Turn struct {
	By       service.Actor
	Chat     int64 // their private chat
	UpdateID int64
	Message  int    // the person's message, or the one whose button was pressed
	Press    *Press // nil for a message
	Media    bool   // the pressed button stands under a picture or a document
	Text     string // trimmed; what stands in a command's place is left out
	Command  string // without the slash, "" when the text is no command
	File     *chat.File
	Contact  *chat.Contact
	Other    string // what was sent that the bot does not take, such as "voice"
	Language string // of the person's app
	Again    bool   // came before: what it asks for may be done

	// Suffix is what follows a typed label: the number in «Журнал и скриншоты ·
	// поток 118».
	Suffix string

	text   *templates.Set // in which they are answered
	chosen string         // language that a stranger has chosen
	card   int            // the living card of the open conversation, 0 before it is sent
	serial int            // of the open conversation
	typed  bool           // the label was typed, not pressed
}

// handler answers a turn.
type handler func(ctx context.Context, t *Turn) (Reply, error)

// action is one kind of button. Typing its label is a press with ID 0 and the
// label's Suffix: the handler then finds the things that the deed fits and, if
// there are several, lets choose.
type action struct {
	code  Action
	label string // name in labels.txt
	do    handler
}

// turnOf reads an update. With an error the turn is there too, without its press.
func turnOf(u chat.Update, by service.Actor) (*Turn, error) {
	t := &Turn{
		By: by, Chat: u.ChatID, UpdateID: u.ID, Message: u.MessageID,
		File: u.File, Contact: u.Contact, Other: u.Other, Text: strings.TrimSpace(u.Text), Language: u.From.Language, Media: u.Media, Again: u.Again,
	}
	if u.IsPress {
		p, err := ParsePress(u.Press)
		if err != nil {
			return t, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound, Err: err}
		}
		t.Press = &p
	}
	if rest, ok := strings.CutPrefix(t.Text, "/"); ok {
		name, args, _ := strings.Cut(rest, " ")
		name, _, _ = strings.Cut(name, "@")
		t.Command, t.Text = strings.ToLower(name), strings.TrimSpace(args)
	}
	return t, nil
}

// normLabel makes a typed label and a button's words comparable.
func normLabel(s string) string {
	return strings.ReplaceAll(strings.ToLower(strings.Join(strings.Fields(s), " ")), "ё", "е")
}

// splitLabel cuts the count or number off a label: «Требуется генерация (3)»,
// «Журнал и скриншоты · поток 118», «Отправить с журналом версии 2». Other words
// in brackets belong to what a person writes in a conversation.
func splitLabel(s string) (words, suffix string) {
	s = strings.TrimSpace(s)
	if i := strings.Index(s, " · "); i >= 0 {
		return s[:i], strings.TrimSpace(s[i+len(" · "):])
	}
	if rest, ok := strings.CutSuffix(s, ")"); ok {
		if i := strings.LastIndex(rest, " ("); i >= 0 && startsWithDigit(rest[i+2:]) {
			return s[:i], rest[i+2:]
		}
	}
	if i := strings.LastIndex(s, " "); i >= 0 && startsWithDigit(s[i+1:]) {
		return s[:i], s[i+1:]
	}
	return s, ""
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
