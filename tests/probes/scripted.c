/* scripted.c - carries a script for gdb in its `.debug_gdb_scripts`: code that nobody may run. */
__asm__(".pushsection \".debug_gdb_scripts\", \"MS\",@progbits,1\n"
        ".byte 4\n"
        ".ascii \"gdb.inlined-script\\n\"\n"
        ".ascii \"import os\\n\"\n"
        ".ascii \"open(os.environ.get('MARK', '" MARK "'), 'w').write('ran')\\n\"\n"
        ".byte 0\n"
        ".popsection\n");

int main(void)
{
    return 4;
}
