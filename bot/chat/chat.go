// Package chat is the only seam to Telegram: a small interface of what the bot
// needs from a messenger, and its implementation over the Bot API. Texts and
// files pass here and nowhere else, so what may travel through the chat can be
// decided in one place; a second messenger would be a second implementation.
package chat

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// Message is what the bot sends, or what a sent message becomes by an edit.
type Message struct {
	ChatID   int64
	HTML     string     // Telegram's HTML mode; the caption when there is a file
	Keyboard [][]Button // rows of inline buttons
	Contact  string     // words of a key that shares the person's own contact; it stands in the place of the input's keyboard
	NoKeys   bool       // takes that key away; Keyboard is then left out
	File     *Upload    // a document, or a picture when Photo is set
	Photo    bool       // shown as a picture, without its name
	Caption  bool       // in an edit without File: the message has a file that stays, HTML is its caption
	Protect  bool       // cannot be forwarded or saved
	Silent   bool       // arrives without a sound
	ReplyTo  int        // the message this one answers; 0 for none
}

// Button is an inline button: with Data it is a press, with URL a link.
type Button struct {
	Label string
	Data  string // 1 to 64 bytes
	URL   string
}

// Upload is a file on its way to the chat.
type Upload struct {
	Name  string                        // as people see it
	Open  func() (io.ReadCloser, error) // called once for each try
	Ref   string                        // instead of Open: a file the messenger has already
	Photo bool                          // in an album: shown as a picture
}

// Command is a line of the bot's menu.
type Command struct {
	Name string // without the slash
	Text string // what it does
}

// Client is what the bot needs from a messenger. It is safe for concurrent use.
// Every method may return a *RateError (obeyed by the client itself from then
// on) and, when a request left and no answer came, an *UnknownOutcomeError; any
// other error means that nothing has happened. No error holds the token.
type Client interface {
	// Me returns the bot's user name.
	Me(ctx context.Context) (string, error)
	// Updates waits up to timeout for updates from offset on and returns them
	// raw, so that one that cannot be read spoils no other. Asking from an
	// offset confirms all before it. ErrConflict: somebody else is asking too.
	Updates(ctx context.Context, offset int64, timeout time.Duration) ([]json.RawMessage, error)
	// Send sends a message and returns its id. A text over the messenger's
	// limit goes out in parts, split by lines; the buttons stand under the last
	// part, whose id is returned. ErrBlocked: this person cannot be written to.
	Send(ctx context.Context, m Message) (int, error)
	// SendAlbum sends files together, ten in one album at most, and returns
	// their messages' ids.
	SendAlbum(ctx context.Context, chatID int64, files []Upload) ([]int, error)
	// Edit makes an earlier message look like m. What does not change is a
	// success. ErrGone: there is no such message, or it is too old to edit. A
	// text over the limit is cut.
	Edit(ctx context.Context, messageID int, m Message) error
	// Delete removes a message; one that is gone or too old is a success.
	Delete(ctx context.Context, chatID int64, messageID int) error
	// Withdraw is Delete for whom it matters that the message is gone by this very
	// call. ErrGone: there was no such message, or it is too old.
	Withdraw(ctx context.Context, chatID int64, messageID int) error
	// Answer ends the waiting of a pressed button, with a short text or none,
	// in a window that must be closed if alert; too late is a success.
	Answer(ctx context.Context, callbackID, text string, alert bool) error
	// Fetch writes a file that somebody sent to w and returns its size in
	// bytes. ErrTooBig: over limit bytes, or over what the messenger gives;
	// then w may hold a part. ErrGone: no such file.
	Fetch(ctx context.Context, ref string, w io.Writer, limit int64) (int64, error)
	// SetCommands sets the menu of one chat, or of all others for chat 0; of
	// people whose app speaks the language, or of everybody else for "".
	SetCommands(ctx context.Context, chatID int64, language string, cs []Command) error
	// SetMenuButton makes the button beside the input open the menu.
	SetMenuButton(ctx context.Context, chatID int64) error
	// Leave leaves a group.
	Leave(ctx context.Context, chatID int64) error
	// Typing shows for some seconds that an answer is being prepared.
	Typing(ctx context.Context, chatID int64) error
	// SetWebhook has updates brought to url with the secret in a header.
	SetWebhook(ctx context.Context, url, secret string) error
	// DeleteWebhook ends that; what waits is kept.
	DeleteWebhook(ctx context.Context) error
	// Bulk returns the same client for messages that can wait: they take only
	// what answers leave of the rates.
	Bulk() Client
}
