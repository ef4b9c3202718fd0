/* Which threads go first where processors are short: those that serve wait for nobody who has all day. Of the
 * calling thread alone, and without effect where the system does not let it. */
#pragma once

void thread_go_first(void);
void thread_step_back(void);
