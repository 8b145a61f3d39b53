package emulator

import "encoding/json"

// The types of this file are the Bot API's own, as far as the emulator answers
// with them; TestAnswersKeepToTheSpecification compares them with spec.json.

type user struct {
	ID           int64  `json:"id"`
	IsBot        bool   `json:"is_bot"`
	FirstName    string `json:"first_name"`
	Username     string `json:"username,omitempty"`
	LanguageCode string `json:"language_code,omitempty"`
}

type botUser struct {
	user
	CanJoinGroups   bool `json:"can_join_groups"`
	CanReadAll      bool `json:"can_read_all_group_messages"`
	SupportsInline  bool `json:"supports_inline_queries"`
	CanConnect      bool `json:"can_connect_to_business"`
	HasMainWebApp   bool `json:"has_main_web_app"`
	HasTopics       bool `json:"has_topics_enabled"`
	CanManageTopics bool `json:"allows_users_to_create_topics"`
	CanManageBots   bool `json:"can_manage_bots"`
}

type wireChat struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"`
	Title     string `json:"title,omitempty"`
	Username  string `json:"username,omitempty"`
	FirstName string `json:"first_name,omitempty"`
}

type wireMessage struct {
	MessageID       int             `json:"message_id"`
	ThreadID        int64           `json:"message_thread_id,omitempty"`
	From            *user           `json:"from,omitempty"`
	Chat            wireChat        `json:"chat"`
	Date            int64           `json:"date"`
	EditDate        int64           `json:"edit_date,omitempty"`
	ReplyTo         *wireMessage    `json:"reply_to_message,omitempty"`
	Protected       bool            `json:"has_protected_content,omitempty"`
	MediaGroupID    string          `json:"media_group_id,omitempty"`
	Text            string          `json:"text,omitempty"`
	Entities        []entity        `json:"entities,omitempty"`
	LinkPreview     json.RawMessage `json:"link_preview_options,omitempty"`
	Document        *document       `json:"document,omitempty"`
	Photo           []photoSize     `json:"photo,omitempty"`
	Voice           *voice          `json:"voice,omitempty"`
	Sticker         *sticker        `json:"sticker,omitempty"`
	Contact         *contact        `json:"contact,omitempty"`
	Caption         string          `json:"caption,omitempty"`
	CaptionEntities []entity        `json:"caption_entities,omitempty"`
	NewChatMembers  []user          `json:"new_chat_members,omitempty"`
	ReplyMarkup     *inlineKeyboard `json:"reply_markup,omitempty"`
}

type document struct {
	FileID       string `json:"file_id"`
	FileUniqueID string `json:"file_unique_id"`
	FileName     string `json:"file_name,omitempty"`
	MimeType     string `json:"mime_type,omitempty"`
	FileSize     int64  `json:"file_size,omitempty"`
}

type photoSize struct {
	FileID       string `json:"file_id"`
	FileUniqueID string `json:"file_unique_id"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	FileSize     int64  `json:"file_size,omitempty"`
}

type voice struct {
	FileID       string `json:"file_id"`
	FileUniqueID string `json:"file_unique_id"`
	Duration     int    `json:"duration"`
	MimeType     string `json:"mime_type,omitempty"`
	FileSize     int64  `json:"file_size,omitempty"`
}

type sticker struct {
	FileID       string `json:"file_id"`
	FileUniqueID string `json:"file_unique_id"`
	Type         string `json:"type"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	IsAnimated   bool   `json:"is_animated"`
	IsVideo      bool   `json:"is_video"`
	Emoji        string `json:"emoji,omitempty"`
	FileSize     int64  `json:"file_size,omitempty"`
}

type contact struct {
	PhoneNumber string `json:"phone_number"`
	FirstName   string `json:"first_name"`
	UserID      int64  `json:"user_id,omitempty"`
}

type inlineKeyboard struct {
	Rows [][]inlineButton `json:"inline_keyboard"`
}

type inlineButton struct {
	Text  string `json:"text"`
	URL   string `json:"url,omitempty"`
	Data  string `json:"callback_data,omitempty"`
	Style string `json:"style,omitempty"`
	Icon  string `json:"icon_custom_emoji_id,omitempty"`

	WebApp        json.RawMessage `json:"web_app,omitempty"`
	LoginURL      json.RawMessage `json:"login_url,omitempty"`
	Switch        *string         `json:"switch_inline_query,omitempty"`
	SwitchCurrent *string         `json:"switch_inline_query_current_chat,omitempty"`
	SwitchChosen  json.RawMessage `json:"switch_inline_query_chosen_chat,omitempty"`
	CopyText      json.RawMessage `json:"copy_text,omitempty"`
	Game          json.RawMessage `json:"callback_game,omitempty"`
	Pay           bool            `json:"pay,omitempty"`
}

// actions counts what a press of the button would do; exactly one is right.
func (b inlineButton) actions() int {
	n := 0
	for _, set := range []bool{
		b.URL != "", b.Data != "", b.WebApp != nil, b.LoginURL != nil, b.Switch != nil, b.SwitchCurrent != nil,
		b.SwitchChosen != nil, b.CopyText != nil, b.Game != nil, b.Pay,
	} {
		if set {
			n++
		}
	}
	return n
}

// anyMarkup is every kind of reply_markup in one.
type anyMarkup struct {
	Inline     *[][]inlineButton `json:"inline_keyboard"`
	Keyboard   *[][]keyButton    `json:"keyboard"`
	Remove     bool              `json:"remove_keyboard"`
	ForceReply bool              `json:"force_reply"`
}

// keyButton is a button of a reply keyboard, which Telegram also takes as a
// bare string.
type keyButton struct {
	Text    string `json:"text"`
	Contact bool   `json:"request_contact,omitempty"` // pressing it shares the presser's own contact
}

type callbackQuery struct {
	ID           string       `json:"id"`
	From         *user        `json:"from"`
	Message      *wireMessage `json:"message,omitempty"`
	ChatInstance string       `json:"chat_instance"`
	Data         string       `json:"data,omitempty"`
}

type memberUpdate struct {
	Chat wireChat   `json:"chat"`
	From *user      `json:"from"`
	Date int64      `json:"date"`
	Old  chatMember `json:"old_chat_member"`
	New  chatMember `json:"new_chat_member"`
}

type chatMember struct {
	Status string `json:"status"`
	User   *user  `json:"user"`
	Until  *int64 `json:"until_date,omitempty"`
}

type wireFile struct {
	FileID       string `json:"file_id"`
	FileUniqueID string `json:"file_unique_id"`
	FileSize     int64  `json:"file_size,omitempty"`
	FilePath     string `json:"file_path,omitempty"`
}

type messageID struct {
	MessageID int `json:"message_id"`
}

// Command is one line of the bot's menu.
type Command struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

type commandScope struct {
	Type   string          `json:"type"`
	ChatID json.RawMessage `json:"chat_id,omitempty"`
	UserID int64           `json:"user_id,omitempty"`
}

type webhookInfo struct {
	URL            string   `json:"url"`
	Certificate    bool     `json:"has_custom_certificate"`
	Pending        int      `json:"pending_update_count"`
	LastErrorDate  int64    `json:"last_error_date,omitempty"`
	LastError      string   `json:"last_error_message,omitempty"`
	MaxConnections int      `json:"max_connections,omitempty"`
	Allowed        []string `json:"allowed_updates,omitempty"`
}

type chatFullInfo struct {
	wireChat
	AccentColorID    int             `json:"accent_color_id"`
	MaxReactionCount int             `json:"max_reaction_count"`
	Pinned           *wireMessage    `json:"pinned_message,omitempty"`
	Gifts            map[string]bool `json:"accepted_gift_types"`
}

type envelope struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result,omitempty"`
	ErrorCode   int             `json:"error_code,omitempty"`
	Description string          `json:"description,omitempty"`
	Parameters  *retryAfter     `json:"parameters,omitempty"`
}

type retryAfter struct {
	Seconds int `json:"retry_after"`
}
