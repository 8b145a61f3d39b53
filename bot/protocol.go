package bot

import "flowbot/service"

func (b *Bot) protocolActions() []action { return nil }

// protocolTalks are the conversations of this subject.
func protocolTalks() []talk { return nil }

// protocolNotices are the notices of this subject.
func (b *Bot) protocolNotices() map[string]notice { return nil }

// protocolExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) protocolExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// protocolApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) protocolApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
