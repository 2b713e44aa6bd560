# Что показывают команды; ошибки; списки команд; меню.

sessions-view = Ваши сессии: { $count }
sessions-line = { $account }, { $router }: { $state } до { $until }.
sessions-line-now = { $account }, { $router }: { $state }.
sessions-none = Открытых сессий нет.
state-requested = жду подключения
state-challenged = жду вашего ответа
state-opening = открываю
state-active = открыто
state-expiring = открыто, скоро завершится
state-grace = отключено, может продолжиться
status-view = { $name }
    .where = Учётные записи: { $accounts }. Открытых сессий: { $count }.
status-router-up = { $router }: на связи.
status-router-away = { $router }: нет связи с { $at }.
status-settings = Язык: { $language }, время: { $zone }.
disable-choose = Отключить ваш доступ к VPN?
    .where = «Сейчас» — завершить и разорвать открытые сессии: { $count }. «Без новых» — они дойдут до своего конца. Запросить доступ можно снова в любое время.
disabled-now-done = Доступ отключён
    .where = Завершено сессий: { $count }, запросы отменены. { $pending }
disabled-pending = Нет связи с { $router }; доступ там закроется, когда связь вернётся, или сам, когда истечёт разрешение.
disabled-new = Новые подключения отключены
    .where = Открытые сессии работают до { $until }; затем сначала запросите доступ.
language-choose = Язык?
zone-choose = Ваш часовой пояс? Пришлите смещение, например +3. Сейчас: { $now }.
zone-bad = Это не смещение от UTC. Пришлите, например, +3, -5 или +5:30.
whoami = Telegram id { $id }, чат { $chat }. Привязано: { $name }, с { $at }.
help =
    Как это работает:
    1. Нажмите «Запросить доступ».
    2. Подключитесь.
    3. Откройте этот чат и ответьте.

    Не нажимайте «Да», если вы только что не подключались. Никто не станет просить у вас код или нажатие по телефону.

    /my_sessions, /extend, /disable_vpn, /status, /language.
cancelled = Отменено.
cancel-nothing = Отменять нечего.
not-understood = Не знаю такой команды. /help покажет, что я умею.
error-try-again = Не получилось; ничего не изменилось. Попробуйте через минуту. ({ $code })
view-expired = Список устарел. Откройте его снова.
word-caller-none = (не указан)
card-moved = Продолжение ниже.
extend-none = Нет открытой сессии, которую можно продлить.
extend-choose = Какая сессия?

menu-request = Запросить доступ
menu-sessions = Мои сессии
menu-status = Состояние
menu-off = Отключить доступ
menu-admin = Администрирование
menu-admin-view = Администрирование

command-start = Начать, привязать чат
command-request-vpn = Запросить доступ перед подключением
command-my-sessions = Показать мои сессии, завершить
command-extend = Продлить открытую сессию
command-status = Показать мои учётные записи и роутеры
command-disable-vpn = Отключить мой доступ к VPN
command-language = Выбрать язык и часовой пояс
command-register = Подать заявку (пока не одобрена)
command-whoami = Показать, к кому привязан чат
command-help = Объяснить, как это работает
command-cancel = Прервать текущий вопрос
command-pending = Показать заявки
command-approve = Одобрить заявку
command-reject = Отклонить заявку
command-sessions = Показать текущие сессии, завершить
command-bans = Показать блокировки, снять
command-routers = Показать роутеры, проверить
