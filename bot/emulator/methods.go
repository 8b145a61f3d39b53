package emulator

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of texts in UTF-16 units, after the entities are parsed. Source:
// Telegram Bot API, sendMessage and sendPhoto.
const (
	maxText    = 4096
	maxCaption = 1024
)

// maxButtons is how many buttons one message may carry; Telegram answers
// REPLY_MARKUP_TOO_LONG to more. The number is not documented: it is what the
// server has been seen to take.
const maxButtons = 100

// deeds are the methods that the emulator plays; each runs with mu held.
// getUpdates stands apart, because it waits.
var deeds = map[string]func(*Server, *call) (any, error){
	"getMe":                  getMe,
	"logOut":                 yes,
	"close":                  yes,
	"setWebhook":             setWebhook,
	"deleteWebhook":          deleteWebhook,
	"getWebhookInfo":         getWebhookInfo,
	"sendMessage":            sendMessage,
	"sendDocument":           sendDocument,
	"sendPhoto":              sendPhoto,
	"sendMediaGroup":         sendMediaGroup,
	"sendChatAction":         sendChatAction,
	"copyMessage":            copyMessage,
	"editMessageText":        editMessageText,
	"editMessageCaption":     editMessageCaption,
	"editMessageReplyMarkup": editMessageReplyMarkup,
	"editMessageMedia":       editMessageMedia,
	"deleteMessage":          deleteMessage,
	"deleteMessages":         deleteMessages,
	"pinChatMessage":         pinChatMessage,
	"unpinChatMessage":       unpinChatMessage,
	"setMessageReaction":     setMessageReaction,
	"answerCallbackQuery":    answerCallbackQuery,
	"getFile":                getFile,
	"getChat":                getChat,
	"leaveChat":              leaveChat,
	"setMyCommands":          setMyCommands,
	"deleteMyCommands":       deleteMyCommands,
	"getMyCommands":          getMyCommands,
	"setChatMenuButton":      setChatMenuButton,
	"getChatMenuButton":      getChatMenuButton,
	"setMyDescription":       setMyText,
	"setMyShortDescription":  setMyText,
}

func yes(*Server, *call) (any, error) { return true, nil }

func getMe(s *Server, _ *call) (any, error) {
	return botUser{user: s.bot, CanJoinGroups: true}, nil
}

// target returns the chat that the call writes to, if the bot may write there.
func (s *Server) target(c *call) (*chat, error) {
	ch := s.chats[c.chat()]
	switch {
	case ch == nil:
		return nil, badRequest("chat not found")
	case ch.blocked && ch.group != nil:
		return nil, forbidden("bot was kicked from the supergroup chat")
	case ch.blocked:
		return nil, forbidden("bot was blocked by the user")
	case !ch.started && ch.group != nil:
		return nil, forbidden("bot is not a member of the supergroup chat")
	case !ch.started:
		return nil, forbidden("bot can't initiate conversation with a user")
	}
	return ch, nil
}

// draft prepares a message with what all sending methods have in common.
func (s *Server) draft(c *call) (*chat, *message, *anyMarkup, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, nil, nil, err
	}
	if c.has("business_connection_id") {
		return nil, nil, nil, badRequest("business connection not found")
	}
	m := &message{byBot: true}
	m.Protected = c.flag("protect_content")
	if c.has("message_thread_id") {
		if ch.phone != nil {
			return nil, nil, nil, badRequest("message thread not found")
		}
		m.ThreadID = c.integer("message_thread_id")
	}
	var reply struct {
		MessageID int  `json:"message_id"`
		Lenient   bool `json:"allow_sending_without_reply"`
	}
	if given, err := c.object("reply_parameters", &reply); err != nil {
		return nil, nil, nil, err
	} else if given {
		to := ch.find(reply.MessageID)
		switch {
		case to != nil && !to.deleted:
			copied := to.wireMessage
			copied.ReplyTo = nil
			m.ReplyTo = &copied
		case !reply.Lenient:
			return nil, nil, nil, badRequest("message to be replied not found")
		}
	}
	markup, err := m.setMarkup(c.args["reply_markup"])
	return ch, m, markup, err
}

// setMarkup reads reply_markup; an inline keyboard becomes the message's, the
// others are returned for the chat.
func (m *message) setMarkup(text string) (*anyMarkup, error) {
	m.ReplyMarkup, m.markup = nil, ""
	if text == "" {
		return nil, nil
	}
	var a anyMarkup
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, badRequest("can't parse reply keyboard markup JSON object")
	}
	if a.Inline == nil {
		return &a, nil
	}
	total := 0
	kb := &inlineKeyboard{}
	for _, row := range *a.Inline {
		for _, b := range row {
			switch {
			case strings.TrimSpace(b.Text) == "":
				return nil, badRequest("can't parse inline keyboard button: Field \"text\" must be non-empty")
			case b.actions() == 0:
				return nil, badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
			case b.actions() > 1:
				return nil, badRequest("can't parse inline keyboard button: %q does %d things, exactly one is allowed", b.Text, b.actions())
			case b.URL != "" && !linkable(b.URL):
				return nil, badRequest("inline keyboard button URL '%s' is invalid: Wrong HTTP URL", b.URL)
			}
			total++
		}
		if len(row) > 0 {
			kb.Rows = append(kb.Rows, row)
		}
	}
	if total > maxButtons {
		return nil, badRequest("REPLY_MARKUP_TOO_LONG")
	}
	if total == 0 {
		return nil, nil
	}
	m.ReplyMarkup = kb
	raw, err := json.Marshal(kb)
	m.markup = string(raw)
	return nil, err
}

// setText puts a parsed text into the message.
func (m *message) setText(c *call) error {
	var given []entity
	if _, err := c.object("entities", &given); err != nil {
		return err
	}
	text, entities, err := parseText(c.args["text"], c.args["parse_mode"], given)
	switch {
	case err != nil:
		return err
	case text == "":
		return badRequest("message text is empty")
	case utf16Len(text) > maxText:
		return badRequest("message is too long")
	}
	m.Text, m.Entities = text, entities
	m.LinkPreview = nil
	if p := c.args["link_preview_options"]; p != "" {
		m.LinkPreview = json.RawMessage(p)
	}
	return nil
}

func (m *message) setCaption(text, mode string, given []entity) error {
	text, entities, err := parseText(text, mode, given)
	if err != nil {
		return err
	}
	if utf16Len(text) > maxCaption {
		return badRequest("message caption is too long")
	}
	m.Caption, m.CaptionEntities = text, entities
	return nil
}

func (m *message) captionOf(c *call) error {
	var given []entity
	if _, err := c.object("caption_entities", &given); err != nil {
		return err
	}
	return m.setCaption(c.args["caption"], c.args["parse_mode"], given)
}

// send adds a finished message and returns it as the method's result.
func (s *Server) send(ch *chat, m *message, markup *anyMarkup) (any, error) {
	if markup != nil {
		switch {
		case markup.Remove:
			ch.keyboard = nil
		case markup.Keyboard != nil:
			ch.keyboard = *markup.Keyboard
		}
	}
	ch.typing = ""
	s.addMessage(ch, m)
	if markup != nil {
		s.script.keys(ch, markup)
	}
	return m.wireMessage, nil
}

func sendMessage(s *Server, c *call) (any, error) {
	ch, m, markup, err := s.draft(c)
	if err != nil {
		return nil, err
	}
	if err := m.setText(c); err != nil {
		return nil, err
	}
	return s.send(ch, m, markup)
}

func sendDocument(s *Server, c *call) (any, error) {
	ch, m, markup, err := s.draft(c)
	if err != nil {
		return nil, err
	}
	if err := m.captionOf(c); err != nil {
		return nil, err
	}
	if err := s.attach(c, m, "document", "document", c.args["document"]); err != nil {
		return nil, err
	}
	return s.send(ch, m, markup)
}

func sendPhoto(s *Server, c *call) (any, error) {
	ch, m, markup, err := s.draft(c)
	if err != nil {
		return nil, err
	}
	if err := m.captionOf(c); err != nil {
		return nil, err
	}
	if err := s.attach(c, m, "photo", "photo", c.args["photo"]); err != nil {
		return nil, err
	}
	return s.send(ch, m, markup)
}

// attach gives the message its file: an upload under the field's name, an
// upload that attach:// names, or a file_id.
func (s *Server) attach(c *call, m *message, kind, field, value string) error {
	u := c.files[field]
	if name, ok := strings.CutPrefix(value, "attach://"); ok {
		if u = c.files[name]; u == nil {
			return badRequest("can't parse InputMedia: file %q was not uploaded", name)
		}
	}
	var f *file
	switch {
	case u == nil && (strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "https://")):
		return badRequest("failed to get HTTP URL content")
	case u == nil:
		if f = s.files.byID[value]; f == nil {
			return badRequest("wrong file identifier/HTTP URL specified")
		}
		if isPhoto := f.kind == "photos"; isPhoto != (kind == "photo") {
			return badRequest("type of file mismatch")
		}
	case u.size > maxUpload:
		return tooLarge()
	case u.size == 0:
		return badRequest("file must be non-empty")
	}
	if kind == "photo" {
		if f != nil {
			m.Photo = f.sizes()
		} else {
			if err := checkPhoto(u); err != nil {
				return err
			}
			f, m.Photo = s.files.addPhoto(u.data)
		}
		m.Document, m.file = nil, f
		return nil
	}
	if f == nil {
		f = s.files.add("documents", u.name, mimeOf(u.name, u.mime), u.data)
	}
	m.Document, m.Photo, m.file = f.document(), nil, f
	return nil
}

// inputMedia is one item of an album or the new content of a message.
type inputMedia struct {
	Type            string   `json:"type"`
	Media           string   `json:"media"`
	Caption         string   `json:"caption"`
	ParseMode       string   `json:"parse_mode"`
	CaptionEntities []entity `json:"caption_entities"`
}

func (s *Server) setMedia(c *call, m *message, in inputMedia) error {
	switch in.Type {
	case "document", "photo":
	default:
		return badRequest("media of type %s is not played by the emulator", in.Type)
	}
	if err := m.setCaption(in.Caption, in.ParseMode, in.CaptionEntities); err != nil {
		return err
	}
	return s.attach(c, m, in.Type, "", in.Media)
}

func sendMediaGroup(s *Server, c *call) (any, error) {
	var items []inputMedia
	if _, err := c.object("media", &items); err != nil {
		return nil, err
	}
	var ch *chat
	album := make([]*message, 0, len(items))
	for _, in := range items {
		if in.Type != items[0].Type {
			return nil, badRequest("%s can't be mixed with other media types", items[0].Type)
		}
		one, m, _, err := s.draft(c)
		if err != nil {
			return nil, err
		}
		if err := s.setMedia(c, m, in); err != nil {
			return nil, err
		}
		ch = one
		album = append(album, m)
	}
	group := s.newAlbum()
	result := make([]wireMessage, 0, len(album))
	for _, m := range album {
		m.MediaGroupID = group
		result = append(result, s.addMessage(ch, m).wireMessage)
	}
	ch.typing = ""
	return result, nil
}

func (s *Server) newAlbum() string {
	s.lastAlbum++
	return "1300000000" + strconv.FormatInt(s.lastAlbum, 10)
}

// actionWords are the values of sendChatAction. Source: Telegram Bot API.
var actionWords = []string{
	"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
	"choose_sticker", "find_location", "record_video_note", "upload_video_note",
}

func sendChatAction(s *Server, c *call) (any, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(actionWords, c.args["action"]) {
		return nil, badRequest("wrong parameter action in request")
	}
	ch.typing = c.args["action"]
	s.showTyping(ch)
	return true, nil
}

func copyMessage(s *Server, c *call) (any, error) {
	ch, m, markup, err := s.draft(c)
	if err != nil {
		return nil, err
	}
	from := s.chats[c.integer("from_chat_id")]
	if from == nil {
		return nil, badRequest("chat not found")
	}
	src := from.find(int(c.integer("message_id")))
	if src == nil || src.deleted {
		return nil, badRequest("message to copy not found")
	}
	if src.Protected {
		return nil, badRequest("message can't be copied")
	}
	m.Text, m.Entities, m.Document, m.Photo, m.file = src.Text, src.Entities, src.Document, src.Photo, src.file
	m.Caption, m.CaptionEntities = src.Caption, src.CaptionEntities
	if c.has("caption") {
		if err := m.captionOf(c); err != nil {
			return nil, err
		}
	}
	if _, err := s.send(ch, m, markup); err != nil {
		return nil, err
	}
	return messageID{m.MessageID}, nil
}

// editable returns the message that the call edits.
func (s *Server) editable(c *call) (*chat, *message, error) {
	if c.has("inline_message_id") {
		return nil, nil, badRequest("MESSAGE_ID_INVALID")
	}
	if !c.has("message_id") {
		return nil, nil, badRequest("message identifier is not specified")
	}
	ch, err := s.target(c)
	if err != nil {
		return nil, nil, err
	}
	m := ch.find(int(c.integer("message_id")))
	switch {
	case m == nil || m.deleted:
		return nil, nil, badRequest("message to edit not found")
	case !m.byBot:
		return nil, nil, badRequest("message can't be edited")
	}
	return ch, m, nil
}

// edit changes a message by change, which works on a copy, and refuses what
// changes nothing. A call without reply_markup takes the keyboard away.
func (s *Server) edit(c *call, change func(*message) error) (any, error) {
	ch, m, err := s.editable(c)
	if err != nil {
		return nil, err
	}
	next := *m
	if markup, err := next.setMarkup(c.args["reply_markup"]); err != nil {
		return nil, err
	} else if markup != nil {
		return nil, badRequest("inline keyboard expected")
	}
	if err := change(&next); err != nil {
		return nil, err
	}
	same := next.Text == m.Text && slices.EqualFunc(next.Entities, m.Entities, sameEntity) &&
		next.Caption == m.Caption && slices.EqualFunc(next.CaptionEntities, m.CaptionEntities, sameEntity) &&
		next.markup == m.markup && sameFile(next.file, m.file)
	if same {
		return nil, badRequest("message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
	}
	*m = next
	m.EditDate = s.opt.Now().Unix()
	s.script.edit(ch, m)
	s.showMessage(ch, m)
	return m.wireMessage, nil
}

func sameEntity(a, b entity) bool {
	return a.Type == b.Type && a.Offset == b.Offset && a.Length == b.Length && a.URL == b.URL && a.Language == b.Language && a.EmojiID == b.EmojiID
}

func sameFile(a, b *file) bool {
	return a == b || a != nil && b != nil && a.unique == b.unique && a.name == b.name
}

func editMessageText(s *Server, c *call) (any, error) {
	if c.has("rich_message") {
		return nil, badRequest("rich_message is not played by the emulator")
	}
	return s.edit(c, func(m *message) error {
		if m.file != nil {
			return badRequest("there is no text in the message to edit")
		}
		return m.setText(c)
	})
}

func editMessageCaption(s *Server, c *call) (any, error) {
	return s.edit(c, func(m *message) error {
		if m.file == nil {
			return badRequest("there is no caption in the message to edit")
		}
		return m.captionOf(c)
	})
}

func editMessageReplyMarkup(s *Server, c *call) (any, error) {
	return s.edit(c, func(*message) error { return nil })
}

func editMessageMedia(s *Server, c *call) (any, error) {
	var in inputMedia
	if _, err := c.object("media", &in); err != nil {
		return nil, err
	}
	return s.edit(c, func(m *message) error {
		if m.MediaGroupID != "" && (m.Photo != nil) != (in.Type == "photo") {
			return badRequest("can't change media type in the album")
		}
		m.Text, m.Entities = "", nil
		return s.setMedia(c, m, in)
	})
}

// remove deletes one message; the error is Telegram's.
func (s *Server) remove(ch *chat, id int) error {
	m := ch.find(id)
	if m == nil || m.deleted {
		return badRequest("message to delete not found")
	}
	if s.opt.Now().Sub(time.Unix(m.Date, 0)) > deleteLife || ch.group != nil && !m.byBot {
		return badRequest("message can't be deleted")
	}
	m.deleted = true
	s.script.remove(ch, m)
	s.showMessage(ch, m)
	return nil
}

func deleteMessage(s *Server, c *call) (any, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	return true, s.remove(ch, int(c.integer("message_id")))
}

// deleteMessages passes over what is not there, as Telegram does.
func deleteMessages(s *Server, c *call) (any, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	var ids []int
	if _, err := c.object("message_ids", &ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if m := ch.find(id); m == nil || m.deleted {
			continue
		}
		if err := s.remove(ch, id); err != nil {
			return nil, err
		}
	}
	return true, nil
}

func pinChatMessage(s *Server, c *call) (any, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	m := ch.find(int(c.integer("message_id")))
	if m == nil || m.deleted {
		return nil, badRequest("message to pin not found")
	}
	m.pinned = true
	s.showMessage(ch, m)
	return true, nil
}

// unpinChatMessage without a message takes the newest pinned one.
func unpinChatMessage(s *Server, c *call) (any, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	for _, m := range slices.Backward(ch.messages) {
		if m.pinned && !m.deleted && (!c.has("message_id") || m.MessageID == int(c.integer("message_id"))) {
			m.pinned = false
			s.showMessage(ch, m)
			return true, nil
		}
	}
	return nil, badRequest("message to unpin not found")
}

func setMessageReaction(s *Server, c *call) (any, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	if m := ch.find(int(c.integer("message_id"))); m == nil || m.deleted {
		return nil, badRequest("message to react not found")
	}
	return true, nil
}

// answerCallbackQuery shows the first answer; a later one is taken and shows
// nothing, since the person's client no longer waits for it.
func answerCallbackQuery(s *Server, c *call) (any, error) {
	q := s.queries[c.args["callback_query_id"]]
	if q == nil || s.opt.Now().Sub(q.at) > callbackLife {
		return nil, badRequest("query is too old and response timeout expired or query ID is invalid")
	}
	if q.answered {
		return true, nil
	}
	payload, opens := s.startLink(c.args["url"])
	if c.has("url") && !opens {
		return nil, badRequest("URL_INVALID")
	}
	q.answered = true
	if text := c.args["text"]; text != "" {
		alert := c.flag("show_alert")
		s.script.toast(q.chat, text)
		s.showToast(q.chat, text, alert)
		q.chat.phone.toast = Toast{Text: text, Alert: alert}
	}
	s.showAnswered(q.chat)
	if opens {
		q.chat.phone.start(payload)
	}
	return true, nil
}

func getFile(s *Server, c *call) (any, error) {
	f := s.files.byID[c.args["file_id"]]
	if f == nil {
		return nil, badRequest("invalid file_id")
	}
	if int64(len(f.data)) > s.opt.MaxDownload {
		return nil, badRequest("file is too big")
	}
	return wireFile{FileID: f.id, FileUniqueID: f.unique, FileSize: int64(len(f.data)), FilePath: f.path}, nil
}

func getChat(s *Server, c *call) (any, error) {
	ch := s.chats[c.chat()]
	if ch == nil || !ch.started {
		return nil, badRequest("chat not found")
	}
	info := chatFullInfo{
		wireChat: ch.wire(), MaxReactionCount: 11,
		Gifts: map[string]bool{
			"unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false, "gifts_from_channels": false,
		},
	}
	for _, m := range slices.Backward(ch.messages) {
		if m.pinned && !m.deleted {
			info.Pinned = &m.wireMessage
			break
		}
	}
	return info, nil
}

func leaveChat(s *Server, c *call) (any, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	if ch.group == nil {
		return nil, badRequest("chat member status can't be changed in private chats")
	}
	ch.blocked = true
	s.pushMember(ch, &s.bot, "member", "left")
	return true, nil
}

// scopeKey names a list of commands: the scope's JSON in one form and the
// language.
func (s *Server) scopeKey(c *call) (string, error) {
	scope := commandScope{Type: "default"}
	if _, err := c.object("scope", &scope); err != nil {
		return "", err
	}
	if scope.ChatID != nil {
		id, err := strconv.ParseInt(strings.Trim(string(scope.ChatID), `"`), 10, 64)
		if err != nil || s.chats[id] == nil {
			return "", badRequest("chat not found")
		}
		scope.ChatID = json.RawMessage(strconv.FormatInt(id, 10))
	}
	language := c.args["language_code"]
	if language != "" && (len(language) != 2 || strings.ToLower(language) != language) {
		return "", badRequest("invalid language code specified")
	}
	return scope.key(language), nil
}

func (sc commandScope) key(language string) string {
	return sc.Type + " " + string(sc.ChatID) + " " + strconv.FormatInt(sc.UserID, 10) + " " + language
}

func setMyCommands(s *Server, c *call) (any, error) {
	key, err := s.scopeKey(c)
	if err != nil {
		return nil, err
	}
	var list []Command
	if _, err := c.object("commands", &list); err != nil {
		return nil, err
	}
	for _, cmd := range list {
		if strings.Trim(cmd.Command, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return nil, badRequest("BOT_COMMAND_INVALID")
		}
	}
	s.commands[key] = list
	s.showCommands()
	return true, nil
}

func deleteMyCommands(s *Server, c *call) (any, error) {
	key, err := s.scopeKey(c)
	if err != nil {
		return nil, err
	}
	delete(s.commands, key)
	s.showCommands()
	return true, nil
}

func getMyCommands(s *Server, c *call) (any, error) {
	key, err := s.scopeKey(c)
	if err != nil {
		return nil, err
	}
	list := s.commands[key]
	if list == nil {
		list = []Command{}
	}
	return list, nil
}

func setChatMenuButton(s *Server, c *call) (any, error) {
	if c.has("chat_id") && s.chats[c.chat()] == nil {
		return nil, badRequest("chat not found")
	}
	button := c.args["menu_button"]
	if button == "" {
		button = `{"type":"default"}`
	}
	s.menus[c.chat()] = json.RawMessage(button)
	s.showCommands()
	return true, nil
}

func getChatMenuButton(s *Server, c *call) (any, error) {
	if c.has("chat_id") && s.chats[c.chat()] == nil {
		return nil, badRequest("chat not found")
	}
	return s.menu(c.chat()), nil
}

// menu returns the menu button in force in a chat.
func (s *Server) menu(chat int64) json.RawMessage {
	for _, id := range []int64{chat, 0} {
		if b, ok := s.menus[id]; ok {
			return b
		}
	}
	return json.RawMessage(`{"type":"commands"}`)
}

func setMyText(s *Server, c *call) (any, error) {
	text := c.args["description"]
	if c.shape.name == "setMyShortDescription" {
		text = c.args["short_description"]
	}
	s.texts[c.shape.name+" "+c.args["language_code"]] = text
	s.showCommands()
	return true, nil
}
