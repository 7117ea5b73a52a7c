import type { Step } from './step.ts';

const BLOCK = 'worker-2-memory16';
const VETO = /vetoed by fault-injection at MEM_GOING_ONLINE \(EBUSY\): injected EBUSY/;

export const PLUGIN_VETOES: Step = {
  title: 'A plugin says no',
  async run({ narrator, shell }) {
    narrator.say(
      'As in the kernel, notifiers are asked before memory comes or goes, and may veto. A MemoryNotifier registers a ' +
        'plugin; this one, fault-injection, refuses on purpose. So: a second node, made up this time, the plugin, and ' +
        'a block that is to come online.',
    );
    await shell.apply('examples/demo/worker-2.yaml', 'worker-2');
    await shell.apply('examples/demo/veto-online.yaml', 'fault-injection');
    await shell.apply('examples/demo/worker-2-memory16.yaml', BLOCK);
    await shell.show(
      `kubectl wait --for=jsonpath='{.status.conditions[?(@.type=="Ready")].reason}'=Vetoed mb/${BLOCK} --timeout=60s`,
      {
        that: 'the online operation is vetoed',
        output: [/condition met/],
      },
    );
    narrator.say(
      'The block was added, but is not online. Who said no, why, and when it is tried again stands in the status, and ' +
        'in an event:',
    );
    await shell.show(`kubectl get mb ${BLOCK} -o wide`, {
      that: 'the block is offline, and its message names the plugin and its reason',
      output: [/ offline .* Vetoed /, VETO],
    });
    await shell.show(`kubectl events --for mb/${BLOCK}`, {
      that: 'an event names the plugin and its reason',
      output: [/Warning +Vetoed/, VETO],
    });
  },
};

export const VETO_GOES_AWAY: Step = {
  title: 'The veto goes away',
  async run({ narrator, shell }) {
    narrator.say('Nobody touches the block now. Only the notifier goes, and the block comes online by itself.');
    await shell.show('kubectl delete mnot fault-injection', {
      that: 'the notifier is deleted',
      output: [/deleted/],
    });
    await shell.watch(`kubectl get mb ${BLOCK} --watch`, {
      that: 'the block comes online without a change to it',
      output: [/ online +Movable +True/],
    });
    await shell.show(`kubectl events --for mb/${BLOCK}`, {
      that: 'the events tell the veto and the happy end',
      output: [VETO, /Normal +Settled/],
    });
  },
};
