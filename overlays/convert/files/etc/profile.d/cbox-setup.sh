# Until the box is set up, whoever logs in is told how. The consoles stay what they were.
case $- in
*i*) [ -e /var/lib/community-box/configured ] || echo "This machine is not set up as a Community Box yet: sudo cbox setup" ;;
esac
