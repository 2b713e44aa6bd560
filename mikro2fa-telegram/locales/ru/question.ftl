# Вопрос, ответы на него, «не я». Строки 1 и 2 (значение и .where) видны на экране блокировки.

card-question = Это вы? { $account } на { $router }
    .where = { $caller-kind ->
            [none] { question-caller-none }
            [private] { question-caller-private }
           *[known] С адреса { $caller }
        }, { $service }, { $at }. { $first-time }
    .body =
        Пока вы не ответите, это подключение никуда не пропускается. Ответьте до { $deadline }.
        Если вы сейчас не подключались, нажмите «Нет»: мы разорвём подключение, заблокируем учётную запись и сообщим администратору.
card-question-adopt = Это вы? { $account } на { $router }
    .where = { $caller-kind ->
            [none] Подключение с неизвестного адреса
            [private] Подключение с адреса { $caller }, это локальный адрес,
           *[known] Подключение с адреса { $caller }
        } с { $at }.
    .body =
        Только что включили подтверждение VPN. Пока вы не ответите, это подключение никуда не пропускается. Ответьте до { $deadline }.
        Если это не вы, нажмите «Нет»: мы разорвём подключение, заблокируем учётную запись и сообщим администратору.
card-question-second = И это вы? { $account } на { $router }
    .where = { $caller-kind ->
            [none] Второе подключение, с неизвестного адреса
            [private] Второе подключение, с { $caller }, это локальный адрес
           *[known] Второе подключение, с { $caller }
        }, { $service }, { $at }.
    .body =
        Открытое — с адреса { $other-caller }. «Да» откроет это и закроет то. Ответьте до { $deadline }.
card-unrequested = Без запроса: { $account } на { $router }
    .where = { $caller-kind ->
            [none] { question-caller-none }
            [private] { question-caller-private }
           *[known] С адреса { $caller }
        }, { $service }, { $at }. { $first-time }
    .body = Подключение удерживается и никуда не пропускается. Это вы?
question-caller-none = С неизвестного адреса
question-caller-private = С адреса { $caller }, это локальный адрес
question-first-time = С этого адреса впервые.
question-early = Ваш запрос ещё не был готов, будьте внимательны.
question-observe = Пробный режим: при любом ответе ничего не блокируется.
question-again = Повторный вопрос, { $n } из { $max }.
question-replaced = Появилось новое подключение, вопрос теперь о нём. Других попыток: { $count }.
question-after-gap = Какое-то время не было связи с Telegram. Если вы уже ответили, нажмите ещё раз.
ended-unanswered = Нет ответа: { $account } на { $router }
    .where = Доступ не открыт. С адреса { $caller }, { $at }.
    .body = Всё ещё подключены? Нажмите «Это я», и я спрошу ещё раз.
ended-undeliverable = Вопрос до вас не дошёл: { $account } на { $router }
    .where = { $at }, с адреса { $caller }. Доступ не открыт.
    .body = Всё ещё подключены? Нажмите «Это я», и я спрошу ещё раз.

answer-yes = Открываю.
answer-no = Закрываю.
answer-no-trial = Отмечено. Ничего не закрыто: пробный режим.
answer-late = Поздно: вопрос закрыт в { $deadline }. Ничего не открыто.
answer-stale = Этот вопрос закрыт. Ничего не изменилось.
answer-not-yours = Здесь эта кнопка не работает.
answer-already = Вы уже ответили.
answer-slow-down = Минуту, пожалуйста.
answer-extended = Продлено до { $until }.
answer-extend-late = Сессия уже завершена.
answer-extend-used = Уже продлено до { $until }.
answer-extend-limit = Можно не дольше, чем до { $until }.
card-opening = Открываю: { $account } на { $router }
    .where = Обычно это секунда-другая.
card-opening-unreachable = Ответ сохранён: { $account } на { $router }
    .where = Нет связи с роутером; открою, когда она вернётся.
    .body = Но только если подключение останется тем же.

card-denied = Закрыто: { $account } на { $router }
    .where = С адреса { $caller }, { $at }. Администратор извещён.
    .body =
        Подключение { $closing }. Учётная запись { $account } заблокирована до решения администратора.
        Возможно, ваш пароль знает кто-то ещё: смените его.
card-denied-trial = Отмечено: { $account } на { $router }
    .where = С адреса { $caller }, { $at }.
    .body =
        Пробный режим: ничего не закрыто, подключение продолжается. Администратор извещён.
        Возможно, ваш пароль знает кто-то ещё: смените его.
card-denied-mistake = Отмечено: нажато по ошибке. Администратору отправлена просьба снять блокировку.
denied-undone = Блокировка { $account } снята
    .where = Администратор { $operator }, { $at }. Чтобы подключиться, запросите доступ снова.
closing-pending = разрывается
closing-done = разорвано
closing-unreachable-soon = пока недоступно и будет разорвано в первую очередь
