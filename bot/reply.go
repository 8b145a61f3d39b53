package bot

import (
	"context"
	"fmt"
	"io"

	"flowbot/bot/chat"
	"flowbot/service"
	"flowbot/templates"
)

// Reply is what to say: a text by name, the facts for it, the buttons under it.
// A screen is a function that returns a Reply; it is used both to send and to
// edit.
type Reply struct {
	Text     string // name in templates/text; "" says nothing
	Data     any    // facts for the text
	Rows     [][]Button
	Edit     bool         // a press changes the message it stands under; ignored for messages
	Caption  bool         // with Edit: it can stand under a picture or a document too
	Swap     bool         // with Edit: Photo takes the place of the picture that the pressed message shows
	Lead     string       // name of a text above Text; "" for none
	LeadData any          // facts for it
	Toast    string       // name of a short text shown over the pressed button; "" for none
	Photo    *Attachment  // shown as a picture with Text as its caption
	Document *Attachment  // sent with Text as its caption
	Files    []Attachment // documents, sent before the text
	Protect  bool         // cannot be forwarded or saved
	Card     bool         // remembered as the living card of the open conversation
	Name     string       // remembered as the person's living card of this name

	// Live is the notice that renews the message where it stands, until it shows
	// something else; nil for none. See service.Cards.Show.
	Live service.Notice

	Contact string // name of the label of a key that shares the person's own contact; Rows are left out
	NoKeys  bool   // takes that key away; Rows are left out

	text  *templates.Set                          // in which it is said; nil: as everything to whoever gets it
	sent  func(ctx context.Context, id int) error // what is left to do once the chat has taken it
	after func(ctx context.Context) error         // what is left to do once it is said
}

// Attachment is a file to send.
type Attachment struct {
	Name string // as people see it
	Size int64  // bytes, 0 when it is not known
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// An album has ten files at most, and is one upload.
// Source: Telegram Bot API, sendMediaGroup (2-10 items) and "Sending files" (50 MB).
const (
	albumFiles = 10
	albumBytes = 48 << 20
)

// albums gathers files that go out together, in their order: one message a
// second and chat would take half a minute for a package.
func albums(files []Attachment) [][]Attachment {
	var out [][]Attachment
	var size int64
	for _, f := range files {
		last := len(out) - 1
		if last < 0 || len(out[last]) == albumFiles || size+f.Size > albumBytes {
			out, size = append(out, nil), 0
			last++
		}
		out[last] = append(out[last], f)
		size += f.Size
	}
	return out
}

// Button is one inline button.
type Button struct {
	Label string // name in labels.txt; "" takes the label of Press.Do
	Args  any    // facts for the label: a count, a number
	Press Press
	URL   string // instead of Press
}

// row builds one row of buttons.
func row(buttons ...Button) []Button { return buttons }

// upload turns an attachment into what the chat sends.
func (a Attachment) upload(ctx context.Context) chat.Upload {
	return chat.Upload{Name: a.Name, Open: func() (io.ReadCloser, error) { return a.Open(ctx) }}
}

// message fills a reply's texts. It is also what notices are rendered with.
func (b *Bot) message(ctx context.Context, text *templates.Set, chatID int64, r Reply) (chat.Message, error) {
	m := chat.Message{ChatID: chatID, Protect: r.Protect, NoKeys: r.NoKeys}
	if r.text != nil {
		text = r.text
	}
	var err error
	if m.HTML, err = text.HTML(r.Text, r.Data); err != nil {
		return m, err
	}
	if r.Lead != "" {
		lead, err := text.HTML(r.Lead, r.LeadData)
		if err != nil {
			return m, err
		}
		m.HTML = lead + "\n\n" + m.HTML
	}
	for _, buttons := range r.Rows {
		var out []chat.Button
		for _, k := range buttons {
			label, err := b.label(text, k)
			if err != nil {
				return m, err
			}
			made := chat.Button{Label: label, URL: k.URL}
			if k.URL == "" {
				made.Data = k.Press.Data()
			}
			out = append(out, made)
		}
		if out != nil {
			m.Keyboard = append(m.Keyboard, out)
		}
	}
	if r.Contact != "" {
		if m.Contact, err = text.Label(r.Contact, nil); err != nil {
			return m, err
		}
	}
	if r.Photo != nil {
		up := r.Photo.upload(ctx)
		m.File, m.Photo = &up, true
	}
	if r.Document != nil {
		up := r.Document.upload(ctx)
		m.File = &up
	}
	return m, nil
}

// label returns the words of a button.
func (b *Bot) label(text *templates.Set, k Button) (string, error) {
	name := k.Label
	if name == "" {
		a, known := b.actions[k.Press.Do]
		if !known {
			return "", fmt.Errorf("button %q has no action", k.Press.Do)
		}
		name = a.label
	}
	return text.Label(name, k.Args)
}
