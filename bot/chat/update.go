package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Update is what a person did, as far as the bot understands it.
type Update struct {
	ID        int64
	Private   bool   // in a private chat; anything else is left
	ChatID    int64  // 0 when the update belongs to no chat
	From      Sender // zero when nobody is named
	MessageID int    // of the message, or of the one under whose button was pressed

	Text    string // of a message, trimmed of nothing
	Caption string // of a file
	File    *File
	Contact *Contact
	Other   string // "sticker", "voice" and the like: content that the bot does not take
	Press   string // data of a pressed button, "" for a message
	PressID string // to be answered
	IsPress bool
	Media   bool  // the pressed button stands under a picture or a document
	Reach   Reach // what the person did with the bot itself
	Again   bool  // was worked before and came to no end: what it asks for may be done
}

// Sender is who did it.
type Sender struct {
	ID       int64
	Name     string
	Language string // IETF tag as the person's app tells it; may be empty
}

// File is a file that a person has sent.
type File struct {
	Ref   string // for Fetch
	Name  string // as the sender called it; made up for a photo
	Type  string // as the sender's app calls it, never trusted
	Size  int64  // bytes
	Photo bool
	Album string // the album that it came in, "" when it was sent by itself
}

// Contact is a telephone number that somebody has shared.
type Contact struct {
	Phone string
	Owner int64 // the person whose number it is, as the messenger knows; 0 when it does not
}

// Reach is a change of whether a person can be written to.
type Reach int

// The changes.
const (
	ReachSame    Reach = iota
	ReachBlocked       // the person has blocked the bot
	ReachBack          // the person has let it in again
)

type wireUser struct {
	ID        int64  `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Language  string `json:"language_code"`
}

type wireChat struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

type wireFile struct {
	ID   string `json:"file_id"`
	Name string `json:"file_name"`
	Type string `json:"mime_type"`
	Size int64  `json:"file_size"`
}

type wireContact struct {
	Phone string `json:"phone_number"`
	User  int64  `json:"user_id"`
}

type wireMessage struct {
	ID       int        `json:"message_id"`
	From     *wireUser  `json:"from"`
	Chat     wireChat   `json:"chat"`
	Text     string     `json:"text"`
	Caption  string     `json:"caption"`
	Document *wireFile  `json:"document"`
	Photo    []wireFile `json:"photo"`
	Album    string     `json:"media_group_id"`

	Sticker   json.RawMessage `json:"sticker"`
	Voice     json.RawMessage `json:"voice"`
	Video     json.RawMessage `json:"video"`
	VideoNote json.RawMessage `json:"video_note"`
	Audio     json.RawMessage `json:"audio"`
	Animation json.RawMessage `json:"animation"`
	Contact   *wireContact    `json:"contact"`
	Location  json.RawMessage `json:"location"`
	Poll      json.RawMessage `json:"poll"`
	Dice      json.RawMessage `json:"dice"`
}

type wireUpdate struct {
	ID       int64        `json:"update_id"`
	Message  *wireMessage `json:"message"`
	Callback *struct {
		ID      string       `json:"id"`
		From    wireUser     `json:"from"`
		Message *wireMessage `json:"message"`
		Data    string       `json:"data"`
	} `json:"callback_query"`
	Member *struct {
		Chat wireChat `json:"chat"`
		From wireUser `json:"from"`
		New  struct {
			Status string `json:"status"`
		} `json:"new_chat_member"`
	} `json:"my_chat_member"`
}

// Decode reads a raw update. Kinds that the bot does not know give an Update
// without a sender.
func Decode(raw json.RawMessage) (Update, error) {
	var w wireUpdate
	if err := json.Unmarshal(raw, &w); err != nil {
		return Update{}, fmt.Errorf("decode update: %w", err)
	}
	u := Update{ID: w.ID}
	switch {
	case w.Callback != nil:
		u.IsPress, u.Press, u.PressID = true, w.Callback.Data, w.Callback.ID
		u.From = sender(&w.Callback.From)
		u.ChatID, u.Private = w.Callback.From.ID, true
		if m := w.Callback.Message; m != nil {
			u.ChatID, u.MessageID, u.Private = m.Chat.ID, m.ID, m.Chat.Type == "private"
			u.Media = m.Document != nil || len(m.Photo) > 0
		}
	case w.Message != nil:
		m := w.Message
		u.ChatID, u.MessageID, u.Private = m.Chat.ID, m.ID, m.Chat.Type == "private"
		u.From = sender(m.From)
		u.Text, u.Caption = m.Text, m.Caption
		u.File, u.Other = m.content()
		if m.Contact != nil {
			u.Contact, u.Other = &Contact{Phone: m.Contact.Phone, Owner: m.Contact.User}, "contact"
		}
	case w.Member != nil:
		u.ChatID, u.Private = w.Member.Chat.ID, w.Member.Chat.Type == "private"
		u.From = sender(&w.Member.From)
		u.Reach = ReachBack
		if slices.Contains([]string{"kicked", "left"}, w.Member.New.Status) {
			u.Reach = ReachBlocked
		}
	}
	return u, nil
}

func sender(w *wireUser) Sender {
	if w == nil {
		return Sender{}
	}
	s := Sender{ID: w.ID, Name: w.FirstName, Language: w.Language}
	if w.LastName != "" {
		s.Name += " " + w.LastName
	}
	return s
}

// content returns the file of a message, or the name of what it holds instead.
func (m *wireMessage) content() (*File, string) {
	switch {
	case m.Animation != nil: // comes with a document beside it
		return nil, "animation"
	case m.Document != nil:
		d := m.Document
		return &File{Ref: d.ID, Name: d.Name, Type: d.Type, Size: d.Size, Album: m.Album}, ""
	case len(m.Photo) > 0:
		largest := slices.MaxFunc(m.Photo, func(a, b wireFile) int { return int(a.Size - b.Size) })
		name := "photo_" + strconv.Itoa(m.ID) + ".jpg"
		return &File{Ref: largest.ID, Name: name, Type: "image/jpeg", Size: largest.Size, Photo: true, Album: m.Album}, ""
	}
	for name, raw := range map[string]json.RawMessage{
		"sticker": m.Sticker, "voice": m.Voice, "video": m.Video, "video_note": m.VideoNote, "audio": m.Audio,
		"location": m.Location, "poll": m.Poll, "dice": m.Dice,
	} {
		if raw != nil {
			return nil, name
		}
	}
	return nil, ""
}
