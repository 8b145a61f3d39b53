package emulator

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// transcript is the conversation as people see it, one block a message:
//
//	reviewer   > [Вернуть]
//	reviewer   < Что исправить?
//	reviewer     [Отмена]
//	reviewer     {key of a reply keyboard}
//	reviewer   > file "лист.pdf" (PDF, 12 КБ)
//	reviewer   ~ text after an edit
//	reviewer   ! answer to a press
//	reviewer   x first line of a deleted message
type transcript struct {
	on bool
	b  strings.Builder
}

// Transcript returns what was said since the start or the last reset. Lines of
// one chat stand in the order in which its person saw them.
func (s *Server) Transcript() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.script.b.String()
}

// ResetTranscript empties the transcript.
func (s *Server) ResetTranscript() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script.b.Reset()
}

// Note writes a line of the test's own into the transcript, such as the move
// of a clock.
func (s *Server) Note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script.b.WriteString("-- " + text + "\n")
}

// write puts a mark before the first line and indents the others.
func (t *transcript) write(c *chat, mark, text string) {
	if !t.on {
		return
	}
	name := c.title
	if c.phone != nil {
		name = c.phone.name
	}
	for line := range strings.SplitSeq(text, "\n") {
		t.b.WriteString(strings.TrimRight(fmt.Sprintf("%-10s %s %s", name, mark, line), " ") + "\n")
		mark = " "
	}
}

func (t *transcript) message(c *chat, m *message) {
	if !t.on {
		return
	}
	mark := ">"
	if m.byBot {
		mark = "<"
	}
	t.write(c, mark, m.summary())
	t.buttons(c, m)
}

func (t *transcript) edit(c *chat, m *message) {
	if !t.on {
		return
	}
	t.write(c, "~", m.summary())
	t.buttons(c, m)
}

func (t *transcript) buttons(c *chat, m *message) {
	if m.ReplyMarkup == nil {
		return
	}
	for _, row := range m.ReplyMarkup.Rows {
		labels := make([]string, 0, len(row))
		for _, b := range row {
			labels = append(labels, "["+b.Text+"]")
		}
		t.write(c, " ", strings.Join(labels, " "))
	}
}

// keys shows the reply keyboard that a message has brought, or that it went.
func (t *transcript) keys(c *chat, markup *anyMarkup) {
	switch {
	case !t.on:
	case markup.Remove:
		t.write(c, " ", "(keyboard away)")
	case markup.Keyboard != nil:
		for _, row := range *markup.Keyboard {
			labels := make([]string, 0, len(row))
			for _, k := range row {
				labels = append(labels, "{"+k.Text+"}")
			}
			t.write(c, " ", strings.Join(labels, " "))
		}
	}
}

func (t *transcript) remove(c *chat, m *message) {
	if !t.on {
		return
	}
	first, _, _ := strings.Cut(m.summary(), "\n")
	t.write(c, "x", first)
}

func (t *transcript) press(c *chat, label string) { t.write(c, ">", "["+label+"]") }

func (t *transcript) toast(c *chat, text string) { t.write(c, "!", text) }

// summary is the message as lines. What a person typed stands as typed; the
// bot's texts stand in HTML.
func (m *message) summary() string {
	text, caption := m.Text, m.Caption
	if m.byBot {
		text, caption = renderHTML(m.Text, m.Entities), renderHTML(m.Caption, m.CaptionEntities)
	}
	var head string
	switch {
	case m.Document != nil:
		head = "file " + strconv.Quote(m.Document.FileName)
		if !m.byBot {
			head += " (" + fileKind(m.Document.FileName) + ", " + fileSize(m.Document.FileSize) + ")"
		}
	case len(m.Photo) > 0:
		head = "photo"
		if !m.byBot {
			largest := m.Photo[len(m.Photo)-1]
			head += fmt.Sprintf(" (%d×%d)", largest.Width, largest.Height)
		}
	case m.Voice != nil:
		head = "voice"
	case m.Sticker != nil:
		head = "sticker " + m.Sticker.Emoji
	case m.Contact != nil:
		head = "contact " + m.Contact.PhoneNumber
		if m.From == nil || m.Contact.UserID != m.From.ID {
			head += " of somebody else"
		}
	case len(m.NewChatMembers) > 0:
		head = "adds the bot"
	default:
		return text
	}
	if caption != "" {
		head += "\n" + caption
	}
	return head
}

func fileKind(name string) string {
	ext := strings.ToUpper(strings.TrimPrefix(path.Ext(name), "."))
	if ext == "" {
		return "?"
	}
	return ext
}

func fileSize(bytes int64) string {
	switch {
	case bytes < 1024:
		return strconv.FormatInt(bytes, 10) + " Б"
	case bytes < 1<<20:
		return strconv.FormatInt((bytes+512)/1024, 10) + " КБ"
	}
	return strings.Replace(strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 1, 64), ".", ",", 1) + " МБ"
}
